// KeyReader: the keys of some messages of a mailbox, chunk by chunk, from the process' cache or from the
// stored facts, a few chunks ahead of their use.
#pragma once

#include <functional>
#include <span>

#include "imapd/service/message_keys.h"
#include "imapd/service/shared_mailbox.h"
#include "imapd/service/worker.h"

namespace dromos::imapd {

struct KeyRead {
  const SharedMailbox* mailbox = nullptr;
  VersionPtr version;
  std::function<bool()> unwanted{};  // asked between chunks
};

/// Calls `use` for the chunks of `numbers` (ascending), with those of them that are in it. A message without
/// keys there has gone. Errc::closed: unwanted.
using UseKeys = std::function<void(const KeyChunk&, std::span<const uint32_t>)>;
Task<Result<void>> read_keys(Worker& worker, KeyRead scope, std::span<const uint32_t> numbers, UseKeys use,
                             Deadline deadline);

}  // namespace dromos::imapd
