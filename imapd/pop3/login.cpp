// AUTHORIZATION: USER and PASS (RFC 1939 §7), AUTH (RFC 5034), STLS (RFC 2595 §4), CAPA (RFC 2449 §5), LANG
// (RFC 6856 §3); failures by the codes of RFC 3206.
#include "common/base/strings.h"
#include "common/log/log.h"
#include "common/metrics/metrics.h"
#include "common/sasl/framing.h"
#include "imapd/pop3/session.h"

namespace dromos::imapd::pop3 {
namespace {

constexpr uint8_t kMaxFailedLogins = 5;
constexpr std::string_view kLanguage = "en";

/// RFC 4647 §3.4: the range, cut at its hyphens from the end until it fits.
bool matches_language(std::string_view range) {
  if (range == "*") return true;
  return iequals(range, kLanguage) || (istarts_with(range, kLanguage) && range[kLanguage.size()] == '-');
}

}  // namespace

bool Session::may_start_tls() const {
  return worker_.options.has_tls && !stream_->is_tls();
}

bool Session::may_send_password() const {
  return stream_->is_tls() || worker_.config.plaintext_login;
}

Task<void> Session::capabilities() {
  ok("Capability list follows");
  out_ +=
      "TOP\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\nPIPELINING\r\nEXPIRE NEVER\r\nUIDL\r\nUTF8 USER\r\nLANG\r\n";
  if (may_send_password()) out_ += "USER\r\n";
  const auto mechanisms = sasl::offered_mechanisms(sasl_options(*stream_, worker_.config.plaintext_login));
  if (!mechanisms.empty()) out_ += "SASL " + join(mechanisms, " ") + "\r\n";
  if (state_ == State::authorization && may_start_tls()) out_ += "STLS\r\n";
  out_ += "IMPLEMENTATION Dromos\r\n.\r\n";
  co_return;
}

Task<void> Session::start_tls() {
  const auto tls = worker_.options.tls();
  if (stream_->is_tls()) co_return err("", "TLS is active already");
  if (utf8_) co_return err("", "STLS comes before UTF8");
  if (!tls) co_return err("", "TLS is not offered");
  ok("Begin TLS negotiation");
  co_await flush();
  if (broken_) co_return;
  user_.clear();
  splitter_.reset();
  // What was sent behind STLS in the clear is dropped there: it must not run as if it came by TLS.
  const auto secured = co_await stream_->start_tls_server(tls, Deadline::after(seconds(30)));
  if (!secured) broken_ = true;
}

void Session::user(std::string name) {
  if (!may_send_password()) return err("", "Passwords are taken by TLS only: use STLS first");
  user_ = std::move(name);
  ok("Send the password");  // whoever it is
}

Task<void> Session::pass(std::string password) {
  if (user_.empty()) co_return err("", "USER comes before PASS");
  const std::string login = std::exchange(user_, {});
  auto who = co_await worker_.directory.authenticate(login, std::move(password), "pop3", stream_->peer().ip(),
                                                     Deadline::after(seconds(60)));
  if (!who) co_return refuse("PASS", login, who.error());
  co_await admit(std::move(*who));
}

Task<void> Session::auth(Command command) {
  user_.clear();
  const std::string mechanism = to_upper(command.text);
  SaslLogin login(worker_.directory, *this, "pop3", stream_->peer().ip());
  const auto offered = co_await login.begin(mechanism, sasl_options(*stream_, worker_.config.plaintext_login),
                                            store_deadline());
  if (!offered) co_return err(offered.error());
  if (!*offered) {
    const bool hidden = !may_send_password() && (mechanism == "PLAIN" || mechanism == "LOGIN");
    co_return err(
        "", hidden ? "Passwords are taken by TLS only: use STLS first" : "That mechanism is not offered");
  }
  std::optional<std::string> initial;
  if (command.initial) {
    auto decoded = sasl::decode_initial(*command.initial);
    if (!decoded) co_return err("", "The initial response is not base64");
    initial = std::move(*decoded);
  }
  auto who = co_await login.run(std::move(initial));
  if (who) co_return co_await admit(std::move(*who));
  if (who.error().is(sasl::Errc::cancelled) || who.error().is(sasl::Errc::malformed)) {
    err("", "The exchange was cancelled or is malformed");
    co_return count_error();
  }
  refuse(login.mechanism(), login.login(), who.error());
}

Task<std::optional<std::string>> Session::ask(std::string challenge) {
  out_.append("+ ").append(base64(challenge)).append("\r\n");
  co_await flush();
  const Deadline deadline = io_deadline();
  while (!broken_) {
    std::string_view input = stream_->buffered();
    const size_t before = input.size();
    std::string_view line;
    const smtp::LineStatus status = splitter_.next(input, line);
    const std::string text(line);
    stream_->consume(before - input.size());
    if (status == smtp::LineStatus::line) {
      auto response = sasl::decode_response(text);
      if (!response) co_return std::nullopt;
      co_return std::move(*response);
    }
    if (status != smtp::LineStatus::need_more) co_return std::nullopt;
    const auto got = co_await stream_->fill(deadline);
    if (!got || *got == 0) broken_ = true;
  }
  co_return std::nullopt;
}

Task<void> Session::admit(directory::Identity who) {
  static metrics::Counter& logins =
      metrics::counter("dromos_imapd_logins_total", "Logins by outcome.", {{"outcome", "ok"}});
  if (!who.may_use("pop3"))
    co_return refuse("", who.login, Error(directory::Errc::scope, "not allowed to use pop3"));
  if (!worker_.options.limits->by_account.take(who.account)) {
    log::warn("auth.limit", {{"account", who.account}, {"remote", stream_->peer().ip()}});
    co_return err("SYS/TEMP", "Too many sessions of this account");
  }
  auto maildrop = co_await Maildrop::open(worker_, who.account, store_deadline());
  if (!maildrop) {
    worker_.options.limits->by_account.give_back(who.account);
    co_return err(maildrop.error());
  }
  counted_ = true;
  logins.add();
  log::info("auth.ok", {{"trace", trace_},
                        {"protocol", "pop3"},
                        {"account", who.account},
                        {"login", who.login},
                        {"remote", stream_->peer().ip()},
                        {"tls", stream_->is_tls()}});
  who_ = std::move(who);
  maildrop_ = std::move(*maildrop);
  state_ = State::transaction;
  tell_count();
}

void Session::refuse(std::string_view mechanism, std::string_view login, const Error& error) {
  static metrics::Counter& refused =
      metrics::counter("dromos_imapd_logins_total", "Logins by outcome.", {{"outcome", "refused"}});
  refused.add();
  log::info("auth.refused", {{"trace", trace_},
                             {"protocol", "pop3"},
                             {"login", login},
                             {"mechanism", mechanism},
                             {"remote", stream_->peer().ip()},
                             {"err", error}});
  if (++failed_logins_ >= kMaxFailedLogins) state_ = State::closing;
  // Wrong password, unknown or disabled account and missing scope are not told apart.
  if (error.may_retry()) return err("SYS/TEMP", "Authentication is not possible now, try again later");
  err("AUTH", "Authentication failed");
}

void Session::language(std::string_view range) {
  if (range.empty()) {
    ok("Language listing follows");
    out_.append(kLanguage).append(" English\r\n.\r\n");
  } else if (matches_language(range)) {
    ok(std::string(kLanguage) + " Language changed");
  } else {
    err("", "That language is not known");
  }
}

}  // namespace dromos::imapd::pop3
