#include "imapd/index/extract_process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>
#include <vector>

#include "common/async/offload.h"
#include "common/log/log.h"

namespace dromos::imapd {
namespace {

constexpr seconds kStart{20};         // on a busy machine
constexpr uint64_t kCpuTimeouts = 6;  // of a process' whole life, in timeouts of one document

/// Ends the waits of a stream when a token fires.
class CancelStream final : public CancelListener {
 public:
  CancelStream(net::Stream& stream, CancelToken token) : stream_(stream) {
    if (token.cancelled())
      stream.cancel();
    else
      token.listen(*this);
  }
  void on_cancel() override { stream_.cancel(); }

 private:
  net::Stream& stream_;
};

Error unavailable(std::string why) {
  return Error(Errc::unavailable, "dromos-extract: " + std::move(why), Retry::temporary);
}

/// A child with `socket` as standard input and output, no environment, default signals. 0, or an errno.
int start_child(const std::vector<std::string>& words, int socket, pid_t& pid) {
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  char* environment[] = {nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, socket, 0);
  posix_spawn_file_actions_adddup2(&actions, socket, 1);
  posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  const int error = posix_spawn(&pid, arguments[0], &actions, &attributes, arguments.data(), environment);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return error;
}

}  // namespace

ExtractProcess::~ExtractProcess() {
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

Result<void> ExtractProcess::spawn() {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return fail(unavailable(std::strerror(errno)));
  const auto of_document = static_cast<uint64_t>((options_.timeout.count() + 999) / 1000);
  const std::vector<std::string> words = {options_.program, "--memory", std::to_string(options_.memory),
                                          "--cpu", std::to_string(of_document * kCpuTimeouts)};
  pid_t pid = -1;
  const int error = start_child(words, ends[1], pid);
  close(ends[1]);
  if (error != 0) {
    close(ends[0]);
    return fail(unavailable(options_.program + ": " + std::strerror(error)));
  }
  pid_ = pid;
  last_ = false;
  stream_ = std::make_unique<net::Stream>(ends[0]);
  return {};
}

Task<Result<void>> ExtractProcess::greet(Deadline deadline) {
  const auto head = co_await stream_->read_exactly(extract::kGreetingBytes, deadline);
  if (!head) co_return fail(unavailable("it does not greet: " + std::string(head.error().message())));
  const auto greeting = extract::parse_greeting(*head);
  if (!greeting) co_return fail(unavailable("it speaks another language"));
  CO_TRY(const std::string reason, co_await stream_->read_exactly(greeting->reason_bytes, deadline));
  if (!greeting->ready) co_return fail(unavailable("it has no sandbox here: " + reason));
  layers_ = greeting->layers;
  if (!std::exchange(told_layers_, true))
    log::info("extract.started", {{"program", options_.program},
                                  {"seccomp", (layers_ & extract::kLayerSeccomp) != 0},
                                  {"landlock", (layers_ & extract::kLayerLandlock) != 0},
                                  {"namespaces", (layers_ & extract::kLayerNamespaces) != 0},
                                  {"missing", reason}});
  co_return Result<void>{};
}

Task<Result<void>> ExtractProcess::ready(CancelToken token) {
  if (running()) co_return Result<void>{};
  CO_TRY_VOID(spawn());
  Result<void> greeted;
  {
    const CancelStream canceller(*stream_, token);
    greeted = co_await greet(Deadline::after(kStart));
  }
  if (!greeted) co_await stop();
  co_return greeted;
}

Task<Result<ExtractProcess::Reading>> ExtractProcess::read(std::string document, uint32_t text_limit,
                                                           CancelToken token) {
  CO_TRY_VOID(co_await ready(token));
  Result<Reading> got = Reading{};
  {
    const CancelStream canceller(*stream_, token);
    got = co_await ask(document, text_limit, Deadline::after(options_.timeout));
  }
  if (!got || got->end != End::answered || last_) co_await stop();
  co_return got;
}

Task<Result<ExtractProcess::Reading>> ExtractProcess::ask(const std::string& document, uint32_t text_limit,
                                                          Deadline deadline) {
  const auto failed = [](const Error& error) -> Result<Reading> {
    if (error.is(Errc::cancelled)) return fail(error);
    return Reading{error.is(Errc::timeout) ? End::timed_out : End::died, {}, false, {}};
  };
  // Between pages it looks at the clock itself, so that the text of the first ones is not lost.
  const auto soft = static_cast<uint32_t>(options_.timeout.count() * 3 / 4);
  stream_->write(extract::request({static_cast<uint32_t>(document.size()), text_limit, soft}));
  const auto sent = co_await stream_->write_all(document, deadline);
  if (!sent) co_return failed(sent.error());
  const auto head = co_await stream_->read_exactly(extract::kAnswerBytes, deadline);
  if (!head) co_return failed(head.error());
  const auto answer = extract::parse_answer(*head, text_limit);
  if (!answer) co_return Reading{End::died, {}, false, {}};
  auto text = co_await stream_->read_exactly(answer->text_bytes, deadline);
  if (!text) co_return failed(text.error());
  Reading out{End::answered, answer->outcome, (answer->flags & extract::kAnswerCut) != 0, std::move(*text)};
  last_ = (answer->flags & extract::kAnswerLast) != 0;
  co_return out;
}

Task<void> ExtractProcess::stop() {
  if (pid_ <= 0) co_return;
  const pid_t pid = std::exchange(pid_, -1);
  kill(pid, SIGKILL);
  if (stream_) stream_->close();
  // The kernel takes its memory back first.
  co_await offload([pid] { waitpid(pid, nullptr, 0); });
  stream_.reset();
}

}  // namespace dromos::imapd
