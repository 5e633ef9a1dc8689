#include "imapd/commands/auth.h"

#include "common/log/log.h"
#include "common/metrics/metrics.h"
#include "imapd/commands/handlers.h"
#include "imapd/service/sasl_login.h"

namespace dromos::imapd {
namespace {
constexpr uint8_t kMaxFailedLogins = 5;
}

bool may_start_tls(const Context& context) {
  return context.worker.options.has_tls && !context.stream.is_tls();
}

bool may_send_password(const Context& context) {
  return context.stream.is_tls() || context.worker.config.plaintext_login;
}

sasl::ServerOptions sasl_options(const Context& context) {
  return sasl_options(context.stream, context.worker.config.plaintext_login);
}

std::vector<std::string> offered_mechanisms(const Context& context) {
  return sasl::offered_mechanisms(sasl_options(context));
}

Reply admit(Context& context, directory::Identity who) {
  static metrics::Counter& logins =
      metrics::counter("dromos_imapd_logins_total", "Logins by outcome.", {{"outcome", "ok"}});
  if (!who.may_use("imap"))
    return refuse_login(context, "", who.login, Error(directory::Errc::scope, "not allowed to use imap"));
  if (!context.worker.options.limits->by_account.take(who.account)) {
    log::warn("auth.limit", {{"account", who.account}, {"remote", context.stream.peer().ip()}});
    return no(code::kLimit, "Too many sessions of this account");
  }
  context.counted = true;
  logins.add();
  log::info("auth.ok", {{"trace", context.trace},
                        {"account", who.account},
                        {"login", who.login},
                        {"remote", context.stream.peer().ip()},
                        {"tls", context.stream.is_tls()}});
  context.who = std::move(who);
  context.state = State::authenticated;
  ReaderLimits limits;
  limits.line = context.worker.config.limits.line.bytes;
  context.reader.set_limits(limits);
  // Not as a code of the tagged answer: the list is long, and lines of over 600 octets are too long for some
  // readers.
  context.out.untagged().raw("CAPABILITY ").raw(capabilities(context)).crlf();
  return ok("Logged in");
}

Reply refuse_login(Context& context, std::string_view mechanism, std::string_view login, const Error& error) {
  static metrics::Counter& refused =
      metrics::counter("dromos_imapd_logins_total", "Logins by outcome.", {{"outcome", "refused"}});
  refused.add();
  log::info("auth.refused", {{"trace", context.trace},
                             {"login", login},
                             {"mechanism", mechanism},
                             {"remote", context.stream.peer().ip()},
                             {"err", error}});
  if (++context.failed_logins >= kMaxFailedLogins) {
    context.out.untagged_status(Status::bye, "", "Too many failed logins");
    context.state = State::logout;
  }
  // Wrong password, unknown or disabled account and missing scope are not told apart.
  if (error.may_retry()) return no(code::kUnavailable, "Authentication is not possible now, try again later");
  return no(code::kAuthenticationFailed, "Authentication failed");
}

}  // namespace dromos::imapd
