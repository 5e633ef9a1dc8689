// MessageLoader: what a FETCH needs of some messages, gathered batch by batch, so that no database connection
// waits for a slow client.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/mime/facts.h"
#include "imapd/service/shared_mailbox.h"
#include "imapd/service/worker.h"

namespace dromos::imapd {

struct LoadedMessage {
  uint32_t uid = 0;
  bool found = false;  // the entry is still there
  MessageId id;
  ThreadId thread;
  int64_t saved_us = 0;
  store::BlobHash blob{};
  std::string facts;                  // encoded; empty: none stored, or not asked for
  std::optional<std::string> raw;     // small messages, if asked for
  std::optional<std::string> header;  // of the message itself, with its empty line, if asked for
  std::optional<std::string> fields;  // of that header, those asked for, with the empty line (HeaderReader)
};

struct LoadNeeds {
  bool facts = false;
  bool raw = false;
  bool header = false;  // of the message itself; pointless with raw
  bool entry = false;   // saved_us, and ids where facts are not asked for
  /// Of the whole command: so few messages that they come from RecentMessages, and are kept there.
  bool few = false;
  /// Instead of `header`: these fields of it are all that is asked for. Of the command; by HeaderReader.
  const std::vector<std::string>* fields = nullptr;
  bool any() const { return facts || raw || header || entry || fields != nullptr; }
};

/// Whether the bytes end with the first empty line, as common/mime sees it: what cut the message when it was
/// stored may have been another parser.
bool is_header(std::string_view bytes);
/// Neighbouring uids (ascending) as one range: gaps cost nothing, entries that were not asked for little.
store::UidSet hull(const std::vector<uint32_t>& uids);

class MessageLoader {
 public:
  /// Octets read at once from a message that is not kept whole.
  static constexpr uint64_t kPiece = 1 << 20;

  MessageLoader(Worker& worker, AccountId account, MailboxId mailbox)
      : worker_(worker), account_(account), mailbox_(mailbox) {}
  /// For what people read: RecentMessages takes part.
  MessageLoader(Worker& worker, const SharedMailbox& mailbox)
      : worker_(worker), account_(mailbox.account()), mailbox_(mailbox.id()), people_(&mailbox) {}

  /// The messages in the order of `uids` (ascending); those that are gone have found == false.
  Task<Result<std::vector<LoadedMessage>>> load(std::vector<uint32_t> uids, LoadNeeds needs,
                                                Deadline deadline);
  /// Octets [begin, begin + length) of the message.
  Task<Result<std::string>> read(const LoadedMessage& message, uint64_t begin, uint64_t length,
                                 Deadline deadline);
  /// Decoded facts; parsed from the raw octets if none are stored or an older parser made them.
  Task<Result<mime::Facts>> facts(const LoadedMessage& message, uint64_t size, Deadline deadline);

 private:
  using Uids = std::vector<uint32_t>;
  Task<Result<void>> read_all(std::vector<LoadedMessage>& list, const Uids& uids, LoadNeeds needs,
                              Deadline deadline);
  /// The uids of those of which something is not kept.
  Uids take_recent(std::vector<LoadedMessage>& list, LoadNeeds needs) const;
  void keep_recent(std::vector<LoadedMessage>& list, const Uids& uids, LoadNeeds needs) const;

  Worker& worker_;
  const AccountId account_;
  const MailboxId mailbox_;
  const SharedMailbox* people_ = nullptr;
};

}  // namespace dromos::imapd
