// TextReader: the texts of some messages of a mailbox in chunks (text_chunk.h), from the process' cache, or
// made where so many of a chunk's messages are asked for that making it costs little more than scanning them.
#pragma once

#include <functional>
#include <span>

#include "imapd/service/shared_mailbox.h"
#include "imapd/service/text_chunk.h"
#include "imapd/service/worker.h"

namespace dromos::imapd {

struct TextRead {
  const SharedMailbox* mailbox = nullptr;
  VersionPtr version;
  std::function<bool()> unwanted{};                // asked between chunks
  std::function<void(size_t, size_t)> progress{};  // told between chunks: uids read, of how many
};

/// Told of each chunk there is, with the place of its uids. On threads of the pool, several at once, each for
/// other uids.
using UseText = std::function<void(const std::shared_ptr<const TextChunk>&, size_t begin, size_t end)>;

/// The reader of one search: what is held is compared with the store once, before the first read.
class TextReader {
 public:
  TextReader(Worker& worker, TextRead scope, Deadline deadline);
  /// `uids` ascending. Those without a chunk, or without a row in theirs, are to be looked for elsewhere.
  /// Errc::closed: unwanted.
  Task<Result<void>> read(std::span<const uint32_t> uids, UseText use);
  const TextRead& scope() const { return scope_; }

 private:
  Task<Result<void>> renew();

  Worker& worker_;
  const TextRead scope_;
  const Deadline deadline_;
  bool renewed_ = false;
};

}  // namespace dromos::imapd
