// SmtpClient::log_in: AUTH (RFC 4954) by the strongest mechanism that both sides know. A login that is
// refused is a fault of our configuration or of the relay, never of the mail: always temporary.
#include <array>

#include "common/base/strings.h"
#include "common/sasl/client.h"
#include "common/sasl/framing.h"
#include "mta/outbound/smtp_client.h"

namespace dromos::mta {
namespace {

using smtp::Reply;

/// Strongest first.
constexpr std::array<const char*, 6> kMechanisms = {"SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1-PLUS",
                                                    "SCRAM-SHA-1",        "PLAIN",         "LOGIN"};
/// Challenges of one exchange; the longest mechanism has two.
constexpr int kMaxChallenges = 8;
/// RFC 4954 §4: a first command of that length must go; longer ones wait for the challenge.
constexpr size_t kMaxFirstLine = 500;

}  // namespace

Task<SmtpClient::MaybeFailure> SmtpClient::log_in() {
  if (options_.credentials == nullptr) co_return std::nullopt;
  for (const char* mechanism : kMechanisms) {
    const bool plus = std::string_view(mechanism).ends_with("-PLUS");
    if (!capabilities_.has_auth(mechanism) || (plus && stream_->channel_binding_exporter().empty())) continue;
    auto tried = co_await log_in_by(mechanism);
    if (tried) co_return std::move(*tried);
  }
  SendVerdict verdict =
      stamped(own_verdict("4.7.0", options_.remote_name + " offers no way to log in that we know"));
  verdict.other_host = true;
  co_return Failure{std::move(verdict)};
}

Task<std::optional<SmtpClient::MaybeFailure>> SmtpClient::log_in_by(std::string mechanism) {
  sasl::ClientOptions options;
  options.authcid = options_.credentials->user;
  options.password = options_.credentials->password;
  if (mechanism.ends_with("-PLUS"))
    options.binding = sasl::ChannelBinding{"tls-exporter", stream_->channel_binding_exporter()};
  const auto client = sasl::make_client(mechanism, options);
  if (client == nullptr) co_return std::nullopt;

  std::string line = "AUTH " + mechanism;
  const auto initial = client->initial();
  if (initial) line += " " + sasl::encode_initial(*initial);
  if (line.size() > kMaxFirstLine) {
    SendVerdict verdict = stamped(own_verdict("4.7.0", "User and password are too long for " + mechanism));
    co_return MaybeFailure(Failure{std::move(verdict)});
  }
  auto reply = co_await command(std::move(line), options_.timeouts.command);
  for (int round = 0; reply && reply->code == 334 && round < kMaxChallenges; ++round) {
    const auto challenge = sasl::decode_response(trim(reply->lines.empty() ? "" : reply->lines.front()));
    auto answer = challenge ? client->step(*challenge) : Result<std::string>(Unexpected(challenge.error()));
    if (!answer) {  // the server is wrong, or not who it should be: give the exchange up (RFC 4954 §4)
      const auto ended = co_await command("*", options_.timeouts.command);
      static_cast<void>(ended);
      co_return MaybeFailure(Failure{broken(Stage::auth, answer.error())});
    }
    reply = co_await command(base64(*answer), options_.timeouts.command);
  }
  if (!reply) co_return MaybeFailure(Failure{broken(Stage::auth, reply.error())});
  if (reply->code == 504 || reply->code == 534) co_return std::nullopt;
  if (reply->code == 235) {
    if (client->complete()) co_return MaybeFailure(std::nullopt);
    const Error unproved(Errc::permission_denied, "the server has not proved that it knows the password",
                         Retry::temporary);
    co_return MaybeFailure(Failure{broken(Stage::auth, unproved)});
  }
  SendVerdict verdict = stamped(verdict_of(Stage::auth, *reply));
  verdict.fate = Fate::deferred;
  verdict.other_host = true;
  co_return MaybeFailure(Failure{std::move(verdict)});
}

}  // namespace dromos::mta
