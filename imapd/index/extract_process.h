// ExtractProcess: dromos-extract as a child of ours (imapd/extract/wire.h). It reads one document at a time;
// a process that ends, hangs or answers nonsense is killed, and the next document has a new one.
//
//   ExtractProcess helper({.program = "/usr/libexec/dromos/dromos-extract"});
//   CO_TRY_VOID(co_await helper.ready(token));          // Errc::unavailable: it cannot be run here, and why
//   const auto got = co_await helper.read(std::move(document), limit, token);
//   co_await helper.stop();
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>

#include "common/async/cancel.h"
#include "common/async/task.h"
#include "common/base/clock.h"
#include "common/base/result.h"
#include "common/net/stream.h"
#include "imapd/extract/wire.h"

namespace dromos::imapd {

class ExtractProcess {
 public:
  struct Options {
    std::string program;
    uint64_t memory = uint64_t{512} << 20;
    milliseconds timeout{20000};  ///< for a document
  };
  /// How it ended, and the text if it did well.
  enum class End { answered, died, timed_out };
  struct Reading {
    End end = End::answered;
    extract::Outcome outcome = extract::Outcome::text;
    bool cut = false;
    std::string text;  ///< not trusted: any bytes
  };

  explicit ExtractProcess(Options options) : options_(std::move(options)) {}
  /// stop() has ended, or there was nothing to stop.
  ~ExtractProcess();
  ExtractProcess(const ExtractProcess&) = delete;
  ExtractProcess& operator=(const ExtractProcess&) = delete;

  /// Starts it, if it is not there.
  Task<Result<void>> ready(CancelToken token);
  /// Errors: Errc::cancelled, and those of ready().
  Task<Result<Reading>> read(std::string document, uint32_t text_limit, CancelToken token);
  Task<void> stop();
  bool running() const { return pid_ > 0; }
  /// Of the process that runs: what confines it (wire.h).
  uint8_t layers() const { return layers_; }

 private:
  Result<void> spawn();
  Task<Result<void>> greet(Deadline deadline);
  Task<Result<Reading>> ask(const std::string& document, uint32_t text_limit, Deadline deadline);

  const Options options_;
  pid_t pid_ = -1;
  std::unique_ptr<net::Stream> stream_;
  uint8_t layers_ = 0;
  bool last_ = false;  // it said that it ends now
  bool told_layers_ = false;
};

}  // namespace dromos::imapd
