// NOTIFY (RFC 5465): what a session wants to hear of without asking, and what it was told last.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "imapd/commands/context.h"
#include "imapd/commands/mailbox_filter.h"
#include "imapd/commands/sync.h"
#include "imapd/service/account_watch.h"
#include "imapd/service/namespaces.h"

namespace dromos::imapd {

/// Lives in the session's Context from its first NOTIFY on.
class Notify {
 public:
  /// Groups for other mailboxes.
  struct Group {
    DecodedFilter filter;
    uint16_t events = 0;
  };
  struct Wishes {
    uint16_t selected = 0;         // events of the selected mailbox
    bool delayed = false;          // EXPUNGE waits for a command that allows it
    std::vector<FetchItem> fetch;  // of new messages in it
    std::vector<Group> others;
  };
  /// Mailboxes that one session may watch.
  static constexpr size_t kMaxMailboxes = 5000;

  Notify(Context& context, Wishes wishes);

  const Wishes& wishes() const { return wishes_; }
  /// Reads what is, remembers it, writes nothing but what NOTIFY SET itself tells. Errc::limit_exceeded: too
  /// many mailboxes.
  Task<Result<void>> begin(bool with_status);
  /// Writes what has changed in other mailboxes since the last time. Reads only if a watched account moved.
  Task<Result<void>> tell_others();

 private:
  struct Known {
    NamedMailbox named;
    uint16_t events = 0;
  };
  using Key = std::pair<AccountId, MailboxId>;
  using Picture = std::map<Key, Known>;

  Task<Result<Picture>> look();
  /// What is known from now on.
  void remember(Picture picture);
  /// `shared`: what others share may have changed.
  Task<Result<void>> tell_news(bool shared);
  /// Tells what happened to messages, if only that did. False: names or rights have changed, too.
  Task<Result<bool>> tell_moved();
  uint16_t events_of(const NamedMailbox& named) const;
  bool is_selected(const Key& key) const;
  void watch(const Picture& picture);
  void tell_names(const Picture& now);
  void tell_name(const Picture& now, const Key& key, const Known& known);
  void tell_messages(const Known& before, const Known& after);
  void write_list(const Picture& picture, const NamedMailbox& named, std::string_view old_name);
  void write_gone(const std::string& name);

  Context& context_;
  const Wishes wishes_;
  AccountWatcher accounts_;
  AccountWatcher sharing_;
  Picture known_;
  int64_t own_modseq_ = 0;  // what the reader's own account did up to it is known
  bool foreign_ = false;    // it may have to tell of others' mailboxes
};

/// Tells the client the news it wants: of its selected mailbox, and of others. `waiting`: no command is in
/// progress.
Task<void> tell_news(Context& context, Expunges expunges, bool waiting);

}  // namespace dromos::imapd
