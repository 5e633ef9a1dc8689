#include "mta/outbound/smtp_client.h"

#include "common/base/strings.h"

namespace dromos::mta {

using smtp::Reply;
using MaybeFailure = SmtpClient::MaybeFailure;

SmtpClient::SmtpClient(std::unique_ptr<net::Stream> stream, SmtpClientOptions options, StreamWatch watch)
    : stream_(std::move(stream)), options_(std::move(options)), watch_(std::move(watch)) {
  remote_ = shown(options_.remote_name, stream_->peer());
  if (watch_) watch_(*stream_, true);
}

std::string SmtpClient::shown(const std::string& name, const net::Address& address) {
  if (address.is_unix()) return address.to_string();
  return name + " [" + address.ip() + "]:" + std::to_string(address.port());
}

SmtpClient::~SmtpClient() {
  if (watch_) watch_(*stream_, false);
}

SendVerdict SmtpClient::stamped(SendVerdict verdict) const {
  verdict.remote = remote_;
  verdict.remote_name = options_.remote_name;
  verdict.tls = stream_->is_tls();
  return verdict;
}

SendVerdict SmtpClient::broken(Stage stage, const Error& error) {
  usable_ = false;
  SendVerdict verdict = verdict_of(error);
  const std::string what = error.retry() == Retry::timeout   ? "no answer from "
                           : error.is(smtp::Errc::bad_reply) ? "malformed reply of "
                                                             : "lost connection with ";
  verdict.diagnostic =
      one_line(std::to_string(verdict.code) + " " + verdict.status + " " + what + options_.remote_name +
                   " at " + std::string(to_string(stage)) + ": " + error.message(),
               kMaxDiagnostic);
  // After the dot the message may have been taken: another host might take it twice.
  verdict.other_host = stage != Stage::final_dot;
  return stamped(std::move(verdict));
}

Task<Result<Reply>> SmtpClient::read_reply(milliseconds wait) {
  // One deadline for the whole reply: a server that trickles lines gains nothing.
  const Deadline deadline = Deadline::after(wait);
  while (true) {
    std::string_view input = stream_->buffered();
    const size_t before = input.size();
    auto reply = parser_.feed(input);
    stream_->consume(before - input.size());
    if (!reply) co_return Unexpected(std::move(reply).error());
    if (*reply) {
      // 421 closes, whatever it answers (RFC 5321 §3.8).
      if ((*reply)->code == 421) usable_ = false;
      co_return std::move(**reply);
    }
    CO_TRY(const size_t got, co_await stream_->fill(deadline));
    if (got == 0) co_return fail(Errc::closed, "connection closed", Retry::temporary);
  }
}

Task<Result<Reply>> SmtpClient::command(std::string line, milliseconds wait) {
  stream_->write(line);
  stream_->write("\r\n");
  CO_TRY_VOID(co_await stream_->flush(Deadline::after(wait)));
  co_return co_await read_reply(wait);
}

Task<SmtpClient::Opened> SmtpClient::open(std::unique_ptr<net::Stream> stream, SmtpClientOptions options,
                                          StreamWatch watch) {
  std::unique_ptr<SmtpClient> client(new SmtpClient(std::move(stream), std::move(options), std::move(watch)));
  MaybeFailure failure;
  if (client->options_.tls == TlsPolicy::implicit) failure = co_await client->shake_hands();
  if (!failure) failure = co_await client->greet();
  if (!failure) failure = co_await client->hello();
  if (!failure) failure = co_await client->start_tls();
  if (!failure) failure = co_await client->log_in();
  if (failure) co_return Opened(std::move(*failure));
  client->usable_ = true;
  co_return Opened(std::move(client));
}

Task<MaybeFailure> SmtpClient::greet() {
  auto greeting = co_await read_reply(options_.timeouts.greeting);
  if (!greeting) co_return Failure{broken(Stage::greeting, greeting.error())};
  if (greeting->code != 220) {
    SendVerdict verdict = stamped(verdict_of(Stage::greeting, *greeting));
    if (greeting->positive()) verdict.fate = Fate::deferred;
    verdict.other_host = true;
    co_return Failure{std::move(verdict)};
  }
  co_return std::nullopt;
}

Task<MaybeFailure> SmtpClient::hello() {
  const std::string verb = options_.lmtp ? "LHLO " : "EHLO ";
  auto reply = co_await command(verb + options_.hostname, options_.timeouts.command);
  if (!reply) co_return Failure{broken(Stage::hello, reply.error())};
  if (reply->code == 250) {
    capabilities_ = smtp::parse_capabilities(*reply);
    co_return std::nullopt;
  }
  capabilities_ = {};
  if (reply->permanent() && !options_.lmtp) {  // RFC 2033 §4.1: LMTP has no HELO
    reply = co_await command("HELO " + options_.hostname, options_.timeouts.command);
    if (!reply) co_return Failure{broken(Stage::hello, reply.error())};
    if (reply->code == 250) co_return std::nullopt;
  }
  SendVerdict verdict = stamped(verdict_of(Stage::hello, *reply));
  if (reply->positive()) verdict.fate = Fate::deferred;
  verdict.other_host = true;
  co_return Failure{std::move(verdict)};
}

Task<MaybeFailure> SmtpClient::start_tls() {
  const bool must = options_.tls == TlsPolicy::required || options_.tls == TlsPolicy::verified;
  if (options_.tls == TlsPolicy::none || is_tls()) co_return std::nullopt;
  if (!capabilities_.starttls || options_.tls_client == nullptr) {
    if (!must) co_return std::nullopt;
    SendVerdict verdict =
        stamped(own_verdict("4.7.10", "TLS is required and not offered by " + options_.remote_name));
    verdict.other_host = true;
    co_return Failure{std::move(verdict)};
  }
  auto reply = co_await command("STARTTLS", options_.timeouts.command);
  if (!reply) co_return Failure{broken(Stage::starttls, reply.error()), true};
  if (reply->code != 220) {
    if (!must && usable_after(*reply)) co_return std::nullopt;
    SendVerdict verdict = stamped(verdict_of(Stage::starttls, *reply));
    verdict.fate = Fate::deferred;
    verdict.other_host = true;
    co_return Failure{std::move(verdict), true};
  }
  // What came behind the 220 in plain text was put there by somebody else (RFC 3207 §6).
  if (!stream_->buffered().empty()) {
    const Error injected(smtp::Errc::bad_reply, "plain text after the reply to STARTTLS", Retry::temporary);
    co_return Failure{broken(Stage::starttls, injected)};
  }
  if (auto failure = co_await shake_hands()) co_return failure;
  co_return co_await hello();  // what was announced before does not hold (RFC 3207 §4.2)
}

Task<MaybeFailure> SmtpClient::shake_hands() {
  const Error no_client(Errc::unavailable, "no TLS client: its certificates cannot be read",
                        Retry::temporary);
  if (options_.tls_client == nullptr) co_return Failure{broken(Stage::starttls, no_client)};
  const auto done = co_await stream_->start_tls_client(options_.tls_client, options_.remote_name,
                                                       Deadline::after(options_.timeouts.command));
  if (!done) co_return Failure{broken(Stage::starttls, done.error()), true};
  parser_ = {};
  co_return std::nullopt;
}

bool SmtpClient::usable_after(const Reply& reply) {
  return reply.code != 421;
}

Task<void> SmtpClient::quit() {
  usable_ = false;
  stream_->write("QUIT\r\n");
  const auto sent = co_await stream_->flush(Deadline::after(options_.timeouts.quit));
  if (sent) {
    // The answer is read so that closing does not reset the connection under the server's last words.
    const auto answer = co_await read_reply(options_.timeouts.quit);
    static_cast<void>(answer);
  }
  stream_->close();
}

}  // namespace dromos::mta
