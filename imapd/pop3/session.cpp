#include "imapd/pop3/session.h"

#include "common/log/log.h"
#include "common/metrics/metrics.h"
#include "common/store/errc.h"

namespace dromos::imapd::pop3 {
namespace {

constexpr size_t kFlushAt = 64 * 1024;
constexpr milliseconds kWriteTime{300000};     // a client that takes nothing for so long is gone
constexpr size_t kMaxUnfinished = 128 * 1024;  // of a line that has long been too long
constexpr uint32_t kMaxErrors = 20;

enum class Allowed : uint8_t { always, authorization, transaction };

Allowed allowed(Verb verb) {
  switch (verb) {
    case Verb::capa:
    case Verb::lang:
    case Verb::quit:
      return Allowed::always;
    case Verb::auth:
    case Verb::pass:
    case Verb::stls:
    case Verb::user:
    case Verb::utf8:
      return Allowed::authorization;
    default:
      return Allowed::transaction;
  }
}

}  // namespace

Session::Session(Worker& worker, std::unique_ptr<net::Stream> stream)
    : worker_(worker), stream_(std::move(stream)), since_us_(Clock::now_us()), trace_(TraceId::make()) {}

Task<void> Session::run(bool implicit_tls) {
  if (implicit_tls) {
    const auto tls = worker_.options.tls();
    if (!tls) co_return;
    const auto secured = co_await stream_->start_tls_server(tls, Deadline::after(seconds(30)));
    if (!secured) co_return;
  }
  ok("Dromos ready");  // without a timestamp: APOP is not offered
  activity_ = "waiting";
  while (open()) {
    if (ending_) {
      err("SYS/TEMP", "This server ends the session");
      break;
    }
    if (stream_->buffered().empty())
      co_await wait_for_input();
    else
      co_await take_input();
  }
  co_await flush();
}

void Session::end() {
  ending_ = true;
  wake_.set();
}

SessionInfo Session::info() const {
  SessionInfo info;
  info.id = to_text(trace_);
  info.account = who_.account;
  info.login = who_.login;
  info.remote = stream_->peer().to_string();
  info.protocol = "pop3";
  info.tls = stream_->is_tls();
  info.state = std::string(activity_);
  info.since_us = since_us_;
  return info;
}

Deadline Session::io_deadline() const {
  const auto& limits = worker_.config.limits;
  return Deadline::after(state_ == State::authorization ? limits.login_timeout : limits.pop3_idle_timeout);
}

Task<void> Session::wait_for_input() {
  co_await flush();
  if (broken_) co_return;
  std::string().swap(out_);
  const Deadline deadline = io_deadline();
  const Wake wake = co_await stream_->wait_readable(deadline, &wake_);
  // RFC 1939 §3: after the autologout time the connection closes without a word.
  if (wake == Wake::timeout || wake == Wake::cancelled) broken_ = true;
  if (broken_ || ending_) co_return;
  const auto got = co_await stream_->fill(deadline);
  if (!got || *got == 0) broken_ = true;
}

Task<void> Session::take_input() {
  std::string_view input = stream_->buffered();
  const size_t before = input.size();
  std::string_view line;
  const smtp::LineStatus status = splitter_.next(input, line);
  const size_t used = before - input.size();
  std::string text(line);
  stream_->consume(used);
  if (status == smtp::LineStatus::need_more) {
    unfinished_ += used;
    if (unfinished_ > kMaxUnfinished) {
      err("", "The line is too long");
      state_ = State::closing;
    }
    co_return;
  }
  unfinished_ = 0;
  if (status == smtp::LineStatus::line)
    co_await run_line(std::move(text));
  else
    refuse_line(status);
  co_await flush_some();
}

void Session::refuse_line(smtp::LineStatus status) {
  err("", smtp::describe(status));
  count_error();
}

Task<void> Session::run_line(std::string line) {
  static metrics::Counter& commands =
      metrics::counter("dromos_imapd_pop3_commands_total", "POP3 commands of all sessions.");
  commands.add();
  auto command = parse_command(line);
  if (!command || !objection(command->verb).empty()) {
    err("", command ? objection(command->verb) : std::string_view(command.error().message()));
    count_error();
    co_return;
  }
  const Verb verb = command->verb;
  activity_ = name(verb);
  // An exception is a bug or the end of memory: it costs this command, not the session.
  std::string what;
  try {
    co_await run_command(std::move(*command));
  } catch (const std::exception& e) {
    what = e.what();
  }
  activity_ = "waiting";
  if (!what.empty()) {
    log::error("command.failed", {{"trace", trace_}, {"verb", name(verb)}, {"err", what}});
    if (within_response_)
      broken_ = true;
    else
      err("SYS/TEMP", "Internal error");
  }
}

std::string_view Session::objection(Verb verb) const {
  switch (allowed(verb)) {
    case Allowed::always:
      return {};
    case Allowed::authorization:
      return state_ == State::authorization ? "" : "Already logged in";
    case Allowed::transaction:
      return state_ == State::transaction ? "" : "Log in first";
  }
  return {};
}

Task<void> Session::run_command(Command command) {
  switch (command.verb) {
    case Verb::auth:
      co_return co_await auth(std::move(command));
    case Verb::capa:
      co_return co_await capabilities();
    case Verb::dele:
      co_return dele(command.number);
    case Verb::lang:
      co_return language(command.text);
    case Verb::list:
      co_return co_await list(std::move(command));
    case Verb::noop:
      co_return ok("Done");
    case Verb::pass:
      co_return co_await pass(std::move(command.text));
    case Verb::quit:
      co_return co_await quit();
    case Verb::retr:
      co_return co_await retrieve(command.number, std::nullopt);
    case Verb::rset:
      maildrop_.reset();
      co_return tell_count();
    case Verb::stat:
      co_return co_await stat();
    case Verb::stls:
      co_return co_await start_tls();
    case Verb::top:
      co_return co_await retrieve(command.number, command.lines);
    case Verb::uidl:
      co_return co_await unique_ids(std::move(command));
    case Verb::user:
      co_return user(std::move(command.text));
    case Verb::utf8:
      utf8_ = true;
      co_return ok("UTF-8 enabled");
  }
}

void Session::ok(std::string_view text) {
  out_.append("+OK ").append(text).append("\r\n");
}

void Session::err(std::string_view code, std::string_view text) {
  out_ += "-ERR ";
  if (!code.empty()) out_.append("[").append(code).append("] ");
  out_.append(text).append("\r\n");
}

void Session::err(const Error& error) {
  if (error.may_retry()) {
    log::warn("command.unavailable", {{"trace", trace_}, {"verb", activity_}, {"err", error}});
    return err("SYS/TEMP", "The store is not available now, try again later");
  }
  log::error("command.failed", {{"trace", trace_}, {"verb", activity_}, {"err", error}});
  err("SYS/PERM", error.is(store::StoreErrc::blob_gone) ? "The octets of the message are not readable"
                                                        : "Internal error");
}

void Session::count_error() {
  if (++errors_ < kMaxErrors) return;
  err("", "Too many errors");
  state_ = State::closing;
}

Task<void> Session::flush() {
  if (broken_ || (out_.empty() && stream_->out().empty())) co_return;
  const auto sent = co_await stream_->write_all(out_, Deadline::after(kWriteTime));
  out_.clear();
  if (!sent) broken_ = true;
}

Task<void> Session::flush_some() {
  if (out_.size() < kFlushAt) co_return;
  co_await flush();
}

}  // namespace dromos::imapd::pop3
