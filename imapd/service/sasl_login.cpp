#include "imapd/service/sasl_login.h"

#include "common/base/strings.h"

namespace dromos::imapd {
namespace {
constexpr int kMaxSteps = 10;
constexpr seconds kPatience{60};  // the throttle may let a login wait
}  // namespace

sasl::ServerOptions sasl_options(const net::Stream& stream, bool plaintext_login) {
  sasl::ServerOptions options;
  options.tls = stream.is_tls();
  options.allow_plain_without_tls = plaintext_login;
  options.scram_sha1 = true;
  if (options.tls) {
    const auto bind = [&](const char* type, std::string data) {
      if (!data.empty()) options.bindings.push_back({type, std::move(data)});
    };
    bind("tls-exporter", stream.channel_binding_exporter());
    bind("tls-server-end-point", stream.channel_binding_server_end_point());
    // Only of a certificate that tls.client_ca vouches for.
    const net::TlsInfo tls = stream.tls_info();
    options.external_authcid = tls.client_email.empty() ? tls.client_name : tls.client_email;
  }
  return options;
}

Task<Result<bool>> SaslLogin::begin(const std::string& mechanism, sasl::ServerOptions options,
                                    Deadline deadline) {
  if (mechanism.starts_with("SCRAM-")) {
    auto key = co_await directory_.fake_salt_key(deadline);
    if (!key) co_return fail(key.error());
    options.fake_salt_key = std::move(*key);
  }
  mechanism_ = sasl::make_server(mechanism, options);
  co_return mechanism_ != nullptr;
}

Task<Result<directory::Identity>> SaslLogin::run(std::optional<std::string> initial) {
  sasl::Step step = initial ? mechanism_->step(std::string_view(*initial)) : mechanism_->step(std::nullopt);
  for (int turn = 0; turn < kMaxSteps; ++turn) {
    if (auto* challenge = std::get_if<sasl::Challenge>(&step)) {
      auto response = co_await peer_.ask(std::move(challenge->bytes));
      if (!response) co_return fail(sasl::Errc::cancelled, "cancelled, or the response is not base64");
      step = mechanism_->step(std::string_view(*response));
    } else if (auto* password = std::get_if<sasl::NeedPassword>(&step)) {
      const sasl::NeedPassword need = std::move(*password);
      step = co_await check_password(need);
    } else if (auto* scram = std::get_if<sasl::NeedScram>(&step)) {
      const sasl::NeedScram need = std::move(*scram);
      step = co_await look_up(need);
    } else if (auto* external = std::get_if<sasl::NeedExternal>(&step)) {
      const sasl::NeedExternal need = std::move(*external);
      step = co_await check_certificate(need);
    } else {
      co_return finish(step);
    }
    if (failure_) co_return fail(*failure_);
  }
  co_return fail(sasl::Errc::malformed, "too many steps");
}

Task<sasl::Step> SaslLogin::check_password(sasl::NeedPassword need) {
  login_ = need.authcid;
  if (!need.authzid.empty() && need.authzid != need.authcid) co_return mechanism_->password_result(false);
  auto who = co_await directory_.authenticate(need.authcid, need.password, scope_, remote_,
                                              Deadline::after(kPatience));
  if (!who) {
    failure_ = who.error();
    co_return mechanism_->password_result(false);
  }
  who_ = std::move(*who);
  co_return mechanism_->password_result(true);
}

/// The certificate's e-mail address, or else its common name, is the login of the account.
Task<sasl::Step> SaslLogin::check_certificate(sasl::NeedExternal need) {
  login_ = need.authcid;
  if (!need.authzid.empty() && !iequals(need.authzid, need.authcid))
    co_return mechanism_->external_result(false);
  auto who = co_await directory_.certificate_login(need.authcid, Deadline::after(kPatience));
  if (!who) {
    if (who.error().may_retry()) failure_ = who.error();
    co_return mechanism_->external_result(false);
  }
  who_ = std::move(*who);
  co_return mechanism_->external_result(true);
}

Task<sasl::Step> SaslLogin::look_up(sasl::NeedScram need) {
  login_ = need.authcid;
  auto found =
      co_await directory_.scram_credentials(need.authcid, need.hash, remote_, Deadline::after(kPatience));
  if (!found) {
    failure_ = found.error();
    co_return mechanism_->scram_credentials(std::nullopt);
  }
  scram_ = std::move(*found);
  wrong_authzid_ = !need.authzid.empty() && need.authzid != need.authcid;
  co_return mechanism_->scram_credentials(scram_->verifier);
}

Result<directory::Identity> SaslLogin::finish(const sasl::Step& step) {
  const bool proven = std::holds_alternative<sasl::Done>(step) && !wrong_authzid_;
  if (scram_) return directory_.scram_finished(*scram_, proven, login_, remote_);
  if (proven && who_) return std::move(*who_);
  const auto* failed = std::get_if<sasl::Failed>(&step);
  if (failed != nullptr && failed->code == sasl::Errc::malformed)
    return fail(sasl::Errc::malformed, failed->reason);
  return fail(directory::Errc::bad_credentials, failed != nullptr ? failed->reason : "refused");
}

}  // namespace dromos::imapd
