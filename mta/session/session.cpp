#include "mta/session/session.h"

#include "common/base/fault.h"
#include "common/base/strings.h"
#include "mta/commands/commands.h"
#include "mta/service/metrics.h"

namespace dromos::mta {
namespace {

/// Replies that a client may leave unread before we wait for it.
constexpr size_t kMaxPendingOutput = 32 * 1024;
constexpr milliseconds kWriteTimeout{60'000};
constexpr milliseconds kHandshakeTimeout{30'000};

// A browser made to speak to us would run its body as commands.
bool is_http(std::string_view line) {
  for (const std::string_view verb : {"GET ", "POST ", "PUT ", "CONNECT ", "OPTIONS ", "HEAD "})
    if (line.starts_with(verb)) return true;
  return false;
}

}  // namespace

std::string_view to_string(Kind kind) {
  return kind == Kind::mx ? "mx" : kind == Kind::lmtp ? "lmtp" : "submission";
}

Session::Session(net::Stream& stream, Backend& backend, const SessionSettings& settings, Event& drain)
    : stream_(stream), backend_(backend), settings_(settings), drain_(drain), connection_(TraceId::make()) {
  if (!stream.peer().is_unix()) peer.ip = stream.peer().ip();
  log_.set("conn", to_text(connection_));
  log_.set("remote", peer.ip.empty() ? "unix" : peer.ip);
  log_.set("listener", to_string(settings_.kind));
}

Task<void> Session::run() {
  const auto begun = std::chrono::steady_clock::now();
  if (co_await open()) {
    while (open_) {
      auto line = co_await next_line();
      if (!line) break;
      co_await dispatch(std::move(*line));
      if (open_ && errors_ >= settings_.limits.errors)
        close_with({421, {4, 7, 0}, "Too many errors, closing the connection"});
    }
    (void)co_await flush();
  }
  log_.info("session.end", {{"helo", peer.helo},
                            {"tls", peer.tls},
                            {"account", user ? user->account.value : 0},
                            {"messages", messages_},
                            {"errors", errors_},
                            {"code", last_code_},
                            {"bytes_in", stream_.bytes_in()},
                            {"ms", std::chrono::steady_clock::now() - begun}});
}

Task<bool> Session::open() {
  if (settings_.implicit_tls) {
    auto tls = backend_.tls(settings_.kind);
    if (!tls) co_return false;
    auto shaken = co_await stream_.start_tls_server(std::move(tls), Deadline::after(kHandshakeTimeout));
    if (!shaken) {
      log_.info("tls.failed", {{"err", shaken.error()}});
      co_return false;
    }
    take_tls_info();
  }
  if (drain_.is_set()) {
    close_with({421, {4, 3, 2}, settings_.hostname + " is shutting down"});
  } else {
    reply(smtp::Reply(220, settings_.hostname + (is_lmtp() ? " LMTP Dromos" : " ESMTP Dromos")));
  }
  co_return true;
}

Task<void> Session::dispatch(std::string line) {
  if (is_http(line)) {
    ++errors_;
    close_with({421, {4, 7, 0}, "This is no HTTP server"});
    co_return;
  }
  smtp::CommandOptions options;
  options.requiretls = false;
  auto command = smtp::parse_command(line, options);
  if (!command) {
    refuse(smtp::reply_for(command.error()));
    co_return;
  }
  auto task = std::visit([this](const auto& verb) { return commands::run(*this, verb); }, *command);
  co_await std::move(task);
  if (stream_.out().size() > kMaxPendingOutput) (void)co_await flush();
}

void Session::reply(const smtp::Reply& reply) {
  last_code_ = reply.code;
  metrics::reply(reply.code).add();
  reply.write(stream_.out());
}

void Session::refuse(const smtp::Reply& refusal) {
  ++errors_;
  reply(refusal);
}

void Session::close_with(const smtp::Reply& last) {
  if (!open_) return;
  reply(last);
  open_ = false;
}

Task<bool> Session::flush() {
  const bool message = std::exchange(replied_to_message_, false);
  auto sent = co_await stream_.flush(Deadline::after(kWriteTimeout));
  if (message) fault::hit("mta.after_reply");
  if (sent) co_return true;
  open_ = false;
  co_return false;
}

// True when there is input; else the session is over (EOF, timeout, drain), with the reply that says so.
Task<bool> Session::wait_for_input(Deadline deadline) {
  if (!co_await flush()) co_return false;
  while (true) {
    if (stream_.try_fill() > 0) co_return true;
    const Wake wake = co_await stream_.wait_readable(deadline, &drain_);
    if (drain_.is_set()) {
      close_with({421, {4, 3, 2}, settings_.hostname + " is shutting down"});
      co_return false;
    }
    if (wake == Wake::timeout) {
      close_with({421, {4, 4, 2}, "Timeout, closing the connection"});
      co_return false;
    }
    auto got = co_await stream_.fill(deadline);
    if (got && *got > 0) co_return true;
    if (!got && got.error().is(Errc::timeout)) continue;
    open_ = false;
    co_return false;
  }
}

void Session::line_fault(smtp::LineStatus status) {
  const bool long_line = status == smtp::LineStatus::too_long;
  refuse(500, {5, 5, static_cast<uint16_t>(long_line ? 6 : 2)}, std::string(smtp::describe(status)));
}

Task<std::optional<std::string>> Session::next_line() {
  const Deadline deadline = Deadline::after(settings_.limits.command_timeout);
  while (open_) {
    const std::string_view buffered = stream_.buffered();
    std::string_view input = buffered, line;
    const auto status = splitter_.next(input, line);
    if (status == smtp::LineStatus::line) {
      std::string text(line);
      stream_.consume(buffered.size() - input.size());
      co_return text;
    }
    stream_.consume(buffered.size() - input.size());
    if (status != smtp::LineStatus::need_more) {
      line_fault(status);
      if (errors_ >= settings_.limits.errors)
        close_with({421, {4, 7, 0}, "Too many errors, closing the connection"});
    } else if (!co_await wait_for_input(deadline)) {
      break;
    }
  }
  co_return std::nullopt;
}

void Session::take_tls_info() {
  const net::TlsInfo info = stream_.tls_info();
  peer.tls = true;
  peer.tls_version = info.protocol;
  peer.tls_cipher = info.cipher;
}

Task<void> Session::upgrade_tls() {
  splitter_.reset();
  if (!co_await flush()) co_return;
  auto tls = backend_.tls(settings_.kind);
  auto shaken = co_await stream_.start_tls_server(std::move(tls), Deadline::after(kHandshakeTimeout));
  if (!shaken) {
    log_.info("tls.failed", {{"err", shaken.error()}});
    open_ = false;
    co_return;
  }
  // RFC 3207 §4.2: back to the state before EHLO.
  reset_transaction();
  greeted = false;
  peer.helo.clear();
  user.reset();
  take_tls_info();
}

void Session::reset_transaction() {
  transaction = Transaction{};
}

void Session::note_refusal(std::string_view event, const smtp::Reply& refusal, std::string recipient) {
  store::TraceEvent trace;
  trace.trace = transaction.mail ? transaction.trace : connection_;
  trace.daemon = "mta";
  trace.event = event;
  if (transaction.mail && transaction.mail->from) trace.sender = transaction.mail->from->shown();
  trace.recipient = std::move(recipient);
  if (user) trace.account = user->account;
  trace.code = refusal.code;
  trace.detail = "{\"remote\":\"" + peer.ip + "\"}";
  log_.info(event, {{"trace", trace.trace},
                    {"from", trace.sender},
                    {"to", trace.recipient},
                    {"code", refusal.code},
                    {"text", refusal.text()}});
  backend_.refused(std::move(trace));
}

}  // namespace dromos::mta
