// AUTHENTICATE (RFC 9051 §6.2.2, SASL-IR RFC 4959) over the mechanisms of common/sasl.
#include "common/base/strings.h"
#include "common/sasl/framing.h"
#include "imapd/commands/auth.h"
#include "imapd/commands/handlers.h"
#include "imapd/service/sasl_login.h"

namespace dromos::imapd {
namespace {

class Peer final : public SaslPeer {
 public:
  explicit Peer(Context& context) : context_(context) {}
  Task<std::optional<std::string>> ask(std::string challenge) override {
    context_.out.raw("+ ").raw(base64(challenge)).crlf();
    const bool sent = co_await context_.flush();
    if (!sent) co_return std::nullopt;
    const auto line = co_await context_.read_line(context_.io_deadline());
    if (!line) co_return std::nullopt;
    auto response = sasl::decode_response(*line);
    if (!response) co_return std::nullopt;
    co_return std::move(*response);
  }

 private:
  Context& context_;
};

}  // namespace

Handled handle_authenticate(Context& context, const Command& command) {
  const auto& authenticate = command.as<AuthenticateCommand>();
  Peer peer(context);
  SaslLogin login(context.worker.directory, peer, "imap", context.stream.peer().ip());
  CO_TRY(const bool offered,
         co_await login.begin(authenticate.mechanism, sasl_options(context), context.store_deadline()));
  if (!offered) {
    if (!may_send_password(context) &&
        (authenticate.mechanism == "PLAIN" || authenticate.mechanism == "LOGIN"))
      co_return no(code::kPrivacyRequired, "Use STARTTLS first");
    co_return no(code::kCannot, "That mechanism is not offered");
  }
  auto who = co_await login.run(authenticate.initial_response);
  if (who) co_return admit(context, std::move(*who));
  if (who.error().is(sasl::Errc::cancelled))
    co_return bad("Authentication was cancelled or its response is not base64");
  if (who.error().is(sasl::Errc::malformed)) co_return bad("Malformed authentication response");
  co_return refuse_login(context, login.mechanism(), login.login(), who.error());
}

}  // namespace dromos::imapd
