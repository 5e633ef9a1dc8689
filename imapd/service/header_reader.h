// HeaderReader: the header fields that a FETCH names, from the process' cache or from the store; what was
// read of all messages in a chunk is kept (header_chunk.h). Some chunks are read at once, and unpacked on the
// offload pool.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "imapd/service/header_cache.h"
#include "imapd/service/message_loader.h"
#include "imapd/service/shared_mailbox.h"

namespace dromos::imapd {

class HeaderReader {
 public:
  /// Those of `fields`, whatever their order and case.
  HeaderReader(Worker& worker, const SharedMailbox& mailbox, const std::vector<std::string>& fields);

  /// Sets `fields` of the messages (in uid order, of `version`) that have none yet; without are those that
  /// are gone (found is false, too) and those whose header is too long. A message that is kept here may be
  /// gone meanwhile. `few`: LoadNeeds::few.
  Task<Result<void>> read(std::span<LoadedMessage> messages, const MailboxVersion& version, bool few,
                          Deadline deadline);

 private:
  struct Part;
  struct Chunks;
  Task<Result<void>> read_chunk(std::span<LoadedMessage> messages, const MailboxVersion& version, bool few,
                                Deadline deadline);
  /// How many were read.
  Task<Result<size_t>> read_missing(std::span<LoadedMessage> messages, bool few, Deadline deadline);
  /// On a thread of the pool, or here for few.
  void take(std::span<LoadedMessage> messages, const store::Messages::PackedHeaders& headers, bool few) const;
  /// Keeps the fields if these are all messages of the chunk.
  Task<void> keep(std::span<const LoadedMessage> messages, const MailboxVersion& version,
                  HeaderCache::Key key);

  Worker& worker_;
  const SharedMailbox& mailbox_;
  const std::vector<std::string>& fields_;
  const std::string names_;
};

}  // namespace dromos::imapd
