#include "common/smtp/command.h"

#include "common/base/strings.h"
#include "common/smtp/line_splitter.h"
#include "common/smtp/parameters.h"

#include <algorithm>

namespace dromos::smtp {
namespace {

constexpr size_t kMaxMechanism = 20;  // RFC 4422 §3.1

std::string_view skip_blanks(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  return text;
}

/// "FROM:" or "TO:" at the front; clients do send a blank after the colon.
Result<std::string_view> after_keyword(std::string_view argument, std::string_view keyword) {
  if (!istarts_with(argument, keyword))
    return fail(Errc::syntax, "expected " + std::string(keyword) + "<address>");
  return skip_blanks(argument.substr(keyword.size()));
}

Unexpected as(Errc code, const Error& error) {
  return fail(code, error.message());
}

Result<Command> parse_mail(std::string_view argument, const CommandOptions& options) {
  TRY(std::string_view rest, after_keyword(argument, "FROM:"));
  MailFrom mail;
  auto from = take_reverse_path(rest);
  if (!from) return as(Errc::bad_sender, from.error());
  mail.from = std::move(*from);
  TRY(mail.parameters, parse_parameters(rest));
  TRY_VOID(apply_mail_parameters(mail, options));
  if (mail.from && mail.from->given_non_ascii() && !mail.smtputf8)
    return fail(Errc::utf8_not_requested, "sender address needs SMTPUTF8");
  return Command(std::move(mail));
}

Result<Command> parse_rcpt(std::string_view argument, const CommandOptions& options) {
  TRY(std::string_view rest, after_keyword(argument, "TO:"));
  RcptTo rcpt;
  auto to = take_forward_path(rest);
  if (!to) return as(Errc::bad_recipient, to.error());
  rcpt.to = std::move(*to);
  TRY(rcpt.parameters, parse_parameters(rest));
  TRY_VOID(apply_rcpt_parameters(rcpt, options));
  return Command(std::move(rcpt));
}

Result<Command> parse_hello(Greeting kind, std::string_view argument) {
  // RFC 5321 wants one word; some clients add words (a RFC 821 habit), which are dropped.
  const std::string_view name = argument.substr(0, argument.find(' '));
  if (name.empty()) return fail(Errc::syntax, "a host name is needed");
  if (name.size() > kMaxDomain) return fail(Errc::syntax, "host name is longer than 255 octets");
  for (const char c : name)
    if (c <= 32 || c >= 127) return fail(Errc::syntax, "host name has characters that do not print");
  return Command(Hello{kind, std::string(name)});
}

Result<Command> parse_bdat(std::string_view argument) {
  const size_t blank = argument.find(' ');
  const auto size = parse_number<uint64_t>(argument.substr(0, blank));
  if (!size) return fail(Errc::syntax, "expected BDAT size [LAST]");
  const std::string_view rest =
      blank == std::string_view::npos ? std::string_view() : skip_blanks(argument.substr(blank));
  if (!rest.empty() && !iequals(rest, "LAST")) return fail(Errc::syntax, "expected BDAT size [LAST]");
  return Command(Bdat{*size, !rest.empty()});
}

Result<Command> parse_auth(std::string_view argument) {
  const size_t blank = argument.find(' ');
  const std::string_view mechanism = argument.substr(0, blank);
  if (mechanism.empty() || mechanism.size() > kMaxMechanism)
    return fail(Errc::syntax, "expected AUTH mechanism");
  for (const char c : mechanism)
    if (!is_alpha(c) && !is_digit(c) && c != '-' && c != '_')
      return fail(Errc::syntax, "mechanism is malformed");
  Auth auth{to_upper(mechanism), std::nullopt};
  if (blank != std::string_view::npos) {
    const std::string_view initial = skip_blanks(argument.substr(blank));
    if (initial.find(' ') != std::string_view::npos) return fail(Errc::syntax, "too many arguments");
    if (!initial.empty()) auth.initial = std::string(initial);
  }
  return Command(std::move(auth));
}

/// DATA, RSET, QUIT and STARTTLS take no argument (RFC 5321 §4.1.1: 501).
template <class T>
Result<Command> bare(std::string_view argument) {
  if (!argument.empty()) return fail(Errc::syntax, "this command takes no argument");
  return Command(T{});
}

Result<Command> dispatch(std::string_view verb, std::string_view argument, const CommandOptions& options) {
  if (verb == "MAIL") return parse_mail(argument, options);
  if (verb == "RCPT") return parse_rcpt(argument, options);
  if (verb == "DATA") return bare<Data>(argument);
  if (verb == "BDAT") return parse_bdat(argument);
  if (verb == "RSET") return bare<Rset>(argument);
  if (verb == "QUIT") return bare<Quit>(argument);
  if (verb == "EHLO") return parse_hello(Greeting::ehlo, argument);
  if (verb == "HELO") return parse_hello(Greeting::helo, argument);
  if (verb == "LHLO") return parse_hello(Greeting::lhlo, argument);
  if (verb == "AUTH") return parse_auth(argument);
  if (verb == "STARTTLS") return bare<StartTls>(argument);
  if (verb == "NOOP") return Command(Noop{});
  if (verb == "HELP") return Command(Help{std::string(argument)});
  if (verb == "VRFY" || verb == "EXPN") {
    if (argument.empty()) return fail(Errc::syntax, "an argument is needed");
    if (verb == "VRFY") return Command(Vrfy{std::string(argument)});
    return Command(Expn{std::string(argument)});
  }
  return fail(Errc::unknown_command, "command not recognised");
}

}  // namespace

Result<Command> parse_command(std::string_view line, const CommandOptions& options) {
  while (!line.empty() && (line.back() == ' ' || line.back() == '\t')) line.remove_suffix(1);
  const size_t blank = line.find(' ');
  const std::string verb = to_upper(line.substr(0, std::min<size_t>(blank, 16)));
  if (line.size() > (verb == "AUTH" ? kMaxLine : kMaxCommandLine))
    return fail(Errc::line_too_long, "line is too long");
  for (const char c : line)
    if ((static_cast<unsigned char>(c) < 32 && c != '\t') || c == 127)
      return fail(Errc::bad_line, "control character in command line");
  const std::string_view argument =
      blank == std::string_view::npos ? std::string_view() : skip_blanks(line.substr(blank));
  return dispatch(verb, argument, options);
}

std::string_view verb_name(const Command& command) {
  struct Name {
    std::string_view operator()(const Hello& hello) const {
      return hello.kind == Greeting::ehlo ? "EHLO" : hello.kind == Greeting::helo ? "HELO" : "LHLO";
    }
    std::string_view operator()(const MailFrom&) const { return "MAIL"; }
    std::string_view operator()(const RcptTo&) const { return "RCPT"; }
    std::string_view operator()(const Data&) const { return "DATA"; }
    std::string_view operator()(const Bdat&) const { return "BDAT"; }
    std::string_view operator()(const Rset&) const { return "RSET"; }
    std::string_view operator()(const Noop&) const { return "NOOP"; }
    std::string_view operator()(const Quit&) const { return "QUIT"; }
    std::string_view operator()(const StartTls&) const { return "STARTTLS"; }
    std::string_view operator()(const Help&) const { return "HELP"; }
    std::string_view operator()(const Vrfy&) const { return "VRFY"; }
    std::string_view operator()(const Expn&) const { return "EXPN"; }
    std::string_view operator()(const Auth&) const { return "AUTH"; }
  };
  return std::visit(Name{}, command);
}

}  // namespace dromos::smtp
