// Unsolicited METADATA (RFC 5464 §4.4.2): names of annotations that others have changed, for sessions that
// asked by ENABLE, or by NOTIFY (RFC 5465 §5.6, §5.7), which replaces what was asked for before.
//
// What changed is known by modseqs; what was removed, by comparing with the names that were there.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "common/store/annotations.h"
#include "imapd/commands/context.h"
#include "imapd/commands/mailbox_filter.h"
#include "imapd/service/account_watch.h"
#include "imapd/service/namespaces.h"

namespace dromos::imapd {

/// Lives in the session's Context.
class MetadataWatch {
 public:
  struct Wishes {
    bool server = false;
    bool all_mailboxes = false;
    std::vector<DecodedFilter> mailboxes;
    bool any() const { return server || all_mailboxes || !mailboxes.empty(); }
  };
  /// Entries that one session may watch, its own and others'.
  static constexpr size_t kMaxEntries = 20'000;

  MetadataWatch(Context& context, Wishes wishes);

  const Wishes& wishes() const { return wishes_; }
  /// Reads what is there, tells nothing. Errc::limit_exceeded: too much to watch.
  Task<Result<void>> begin();
  /// Writes what others have changed since the last time. Reads only if a watched account moved.
  Task<Result<void>> tell();
  /// tell() reads, though nothing moved.
  void look_again();
  /// A change of the session's own: it is no news.
  void own(store::Change change, MailboxId mailbox, const std::vector<store::Annotations::Entry>& entries);

 private:
  using Names = std::map<MailboxId, std::set<std::string>>;
  struct Known {
    int64_t modseq = 0;
    Names names;
    std::set<int64_t> own;  // later modseqs, of the session itself
  };
  using Boxes = std::map<MailboxId, std::string>;

  Task<Result<void>> look_at_mailboxes();
  Task<Result<void>> look_at(AccountId account, bool tell);
  bool wanted(const NamedMailbox& named) const;
  void write(const Boxes& boxes, const Known& before, const store::AnnotationNames& now);

  Context& context_;
  const Wishes wishes_;
  AccountWatcher sharing_;
  AccountWatcher accounts_;
  std::map<AccountId, Boxes> boxes_;  // watched ones by name as the reader sees it; the server is "", 0
  std::map<AccountId, Known> known_;
};

/// In place of what was watched before, which stays after an error.
Task<Result<void>> watch_metadata(Context& context, MetadataWatch::Wishes wishes);
/// ENABLE METADATA or METADATA-SERVER, beside what NOTIFY asked for. False: too much to watch.
Task<Result<bool>> enable_metadata(Context& context, bool mailboxes);
/// Writes the news that the session wants.
Task<void> tell_metadata(Context& context);

}  // namespace dromos::imapd
