// AUTHENTICATE (RFC 9051 §6.2.2, SASL-IR RFC 4959) over the mechanisms of common/sasl.
#include "common/base/strings.h"
#include "common/sasl/framing.h"
#include "imapd/commands/auth.h"
#include "imapd/commands/handlers.h"

namespace dromos::imapd {
namespace {

constexpr int kMaxSteps = 10;

/// One AUTHENTICATE exchange.
class Exchange {
 public:
  Exchange(Context& context, std::unique_ptr<sasl::ServerMechanism> mechanism)
      : context_(context), mechanism_(std::move(mechanism)), name_(mechanism_->name()) {}

  Task<Result<Reply>> run(std::optional<std::string> initial) {
    sasl::Step step = initial ? mechanism_->step(std::string_view(*initial)) : mechanism_->step(std::nullopt);
    for (int turn = 0; turn < kMaxSteps; ++turn) {
      if (auto* challenge = std::get_if<sasl::Challenge>(&step)) {
        auto response = co_await ask(challenge->bytes);
        if (!response) co_return bad("Authentication was cancelled or its response is not base64");
        step = mechanism_->step(std::string_view(*response));
      } else if (auto* password = std::get_if<sasl::NeedPassword>(&step)) {
        const sasl::NeedPassword need = std::move(*password);
        step = co_await check_password(need);
      } else if (auto* scram = std::get_if<sasl::NeedScram>(&step)) {
        const sasl::NeedScram need = std::move(*scram);
        step = co_await look_up(need);
      } else if (std::get_if<sasl::NeedExternal>(&step) != nullptr) {
        step = mechanism_->external_result(false);
      } else {
        co_return finish(step);
      }
      if (failure_) co_return refuse_login(context_, name_, login_, *failure_);
    }
    co_return bad("Too many steps");
  }

 private:
  Task<std::optional<std::string>> ask(std::string challenge) {
    context_.out.raw("+ ").raw(base64(challenge)).crlf();
    const bool sent = co_await context_.flush();
    if (!sent) co_return std::nullopt;
    const auto line = co_await context_.read_line(context_.io_deadline());
    if (!line) co_return std::nullopt;
    auto response = sasl::decode_response(*line);
    if (!response) co_return std::nullopt;
    co_return std::move(*response);
  }

  Task<sasl::Step> check_password(sasl::NeedPassword need) {
    login_ = need.authcid;
    if (!need.authzid.empty() && need.authzid != need.authcid) co_return mechanism_->password_result(false);
    auto who = co_await context_.worker.directory.authenticate(need.authcid, need.password, "imap", remote(),
                                                               Deadline::after(seconds(60)));
    if (!who) {
      failure_ = who.error();
      co_return mechanism_->password_result(false);
    }
    who_ = std::move(*who);
    co_return mechanism_->password_result(true);
  }

  Task<sasl::Step> look_up(sasl::NeedScram need) {
    login_ = need.authcid;
    auto found = co_await context_.worker.directory.scram_credentials(need.authcid, need.hash, remote(),
                                                                      Deadline::after(seconds(60)));
    if (!found) {
      failure_ = found.error();
      co_return mechanism_->scram_credentials(std::nullopt);
    }
    scram_ = std::move(*found);
    wrong_authzid_ = !need.authzid.empty() && need.authzid != need.authcid;
    co_return mechanism_->scram_credentials(scram_->verifier);
  }

  Reply finish(const sasl::Step& step) {
    const bool proven = std::holds_alternative<sasl::Done>(step) && !wrong_authzid_;
    if (scram_) {
      auto who = context_.worker.directory.scram_finished(*scram_, proven, login_, remote());
      if (!who) return refuse_login(context_, name_, login_, who.error());
      return admit(context_, std::move(*who));
    }
    if (proven && who_) return admit(context_, std::move(*who_));
    const auto* failed = std::get_if<sasl::Failed>(&step);
    if (failed != nullptr && failed->code == sasl::Errc::malformed)
      return bad("Malformed authentication response");
    return refuse_login(
        context_, name_, login_,
        Error(directory::Errc::bad_credentials, failed != nullptr ? failed->reason : "refused"));
  }

  std::string remote() const { return context_.stream.peer().ip(); }

  Context& context_;
  const std::unique_ptr<sasl::ServerMechanism> mechanism_;
  const std::string name_;
  std::string login_;
  std::optional<directory::Identity> who_;
  std::optional<directory::ScramLogin> scram_;
  bool wrong_authzid_ = false;
  std::optional<Error> failure_;
};

}  // namespace

Handled handle_authenticate(Context& context, const Command& command) {
  const auto& authenticate = command.as<AuthenticateCommand>();
  sasl::ServerOptions options = sasl_options(context);
  if (authenticate.mechanism.starts_with("SCRAM-")) {
    auto key = co_await context.worker.directory.fake_salt_key(context.store_deadline());
    if (!key) co_return fail(key.error());
    options.fake_salt_key = std::move(*key);
  }
  auto mechanism = sasl::make_server(authenticate.mechanism, options);
  if (!mechanism) {
    if (!may_send_password(context) &&
        (authenticate.mechanism == "PLAIN" || authenticate.mechanism == "LOGIN"))
      co_return no(code::kPrivacyRequired, "Use STARTTLS first");
    co_return no(code::kCannot, "That mechanism is not offered");
  }
  Exchange exchange(context, std::move(mechanism));
  co_return co_await exchange.run(authenticate.initial_response);
}

}  // namespace dromos::imapd
