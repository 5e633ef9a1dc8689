#include "common/smtp/parameters.h"

#include "common/base/strings.h"

#include <array>

namespace dromos::smtp {
namespace {

constexpr uint32_t kMaxHoldSeconds = 999'999'999;  // RFC 4865 §4: nine digits

Unexpected bad(const Parameter& parameter, std::string_view why) {
  return fail(Errc::bad_parameter, parameter.keyword + ": " + std::string(why));
}

Unexpected unknown(const Parameter& parameter) {
  return fail(Errc::unknown_parameter, parameter.keyword + ": parameter not recognised");
}

bool is_keyword(std::string_view text) {
  if (text.empty() || text.front() == '-') return false;
  for (const char c : text)
    if (!is_alpha(c) && !is_digit(c) && c != '-') return false;
  return true;
}

Result<void> set_size(MailFrom& mail, const Parameter& parameter) {
  if (!parameter.value || parameter.value->size() > 20) return bad(parameter, "needs a number of octets");
  mail.size = parse_number<uint64_t>(*parameter.value);
  if (mail.size) return {};
  const bool digits = parameter.value->find_first_not_of("0123456789") == std::string::npos;
  if (!digits || parameter.value->empty()) return bad(parameter, "needs a number of octets");
  mail.size = UINT64_MAX;  // 20 digits past 2^64: larger than any limit, refused as such
  return {};
}

Result<void> set_body(MailFrom& mail, const Parameter& parameter, const CommandOptions& options) {
  const std::string value = to_upper(parameter.value.value_or(""));
  if (value == "7BIT")
    mail.body = Body::seven_bit;
  else if (value == "8BITMIME")
    mail.body = Body::eight_bit_mime;
  else if (value == "BINARYMIME" && options.binary_mime)
    mail.body = Body::binary_mime;
  else
    return bad(parameter, "body type not supported");
  return {};
}

/// RFC 4954 §5: <> or xtext of a mailbox. What it says is trusted by policy only, so text is enough here.
Result<void> set_auth(MailFrom& mail, const Parameter& parameter) {
  if (!parameter.value || parameter.value->empty() || parameter.value->size() > kMaxOrcpt)
    return bad(parameter, "needs a mailbox or <>");
  if (*parameter.value == "<>") {
    mail.auth = "";
    return {};
  }
  const auto decoded = xtext_decode(*parameter.value);
  if (!decoded) return bad(parameter, "not xtext");
  if (!parse_mailbox(*decoded)) return bad(parameter, "not a mailbox");
  mail.auth = *decoded;
  return {};
}

Result<void> set_envid(MailFrom& mail, const Parameter& parameter) {
  if (!parameter.value || parameter.value->empty() || parameter.value->size() > kMaxEnvid)
    return bad(parameter, "needs 1 to 100 characters");
  const auto decoded = xtext_decode(*parameter.value);
  if (!decoded) return bad(parameter, "not xtext");
  for (const char c : *decoded)
    if (c < 32 || c > 126) return bad(parameter, "characters that do not print");
  mail.envid = *decoded;
  return {};
}

Result<void> set_hold_for(MailFrom& mail, const Parameter& parameter) {
  if (mail.hold_until_us) return bad(parameter, "HOLDFOR and HOLDUNTIL exclude each other");
  mail.hold_for_s = parse_number<uint32_t>(parameter.value.value_or(""));
  if (!mail.hold_for_s || *mail.hold_for_s == 0 || *mail.hold_for_s > kMaxHoldSeconds)
    return bad(parameter, "needs a number of seconds");
  return {};
}

/// Days since 1970 of a proleptic Gregorian date.
int64_t days_from_civil(int64_t year, int64_t month, int64_t day) {
  year -= month <= 2 ? 1 : 0;
  const int64_t era = year / 400;
  const int64_t year_of_era = year - era * 400;
  const int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

/// RFC 3339 date-time with seconds; Z or a numeric offset (RFC 4865 §4).
std::optional<int64_t> parse_rfc3339_us(std::string_view text) {
  if (text.size() < 20 || text.size() > 40) return std::nullopt;
  constexpr std::string_view kShape = "dddd-dd-ddTdd:dd:dd";
  for (size_t i = 0; i < kShape.size(); ++i)
    if (kShape[i] == 'd' ? !is_digit(text[i]) : ascii_upper(text[i]) != kShape[i]) return std::nullopt;
  const auto field = [&](size_t at, size_t count) { return *parse_number<int64_t>(text.substr(at, count)); };
  const int64_t month = field(5, 2), day = field(8, 2), hour = field(11, 2), minute = field(14, 2);
  constexpr std::array<int64_t, 12> kDays = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (field(0, 4) < 1970 || month < 1 || month > 12 || day < 1 || day > kDays[static_cast<size_t>(month - 1)])
    return std::nullopt;
  if (hour > 23 || minute > 59 || field(17, 2) > 60) return std::nullopt;
  int64_t seconds =
      days_from_civil(field(0, 4), month, day) * 86400 + hour * 3600 + minute * 60 + field(17, 2);
  std::string_view zone = text.substr(19);
  if (zone.front() == '.') {
    const size_t end = zone.find_first_not_of("0123456789", 1);
    if (end == 1 || end == std::string_view::npos) return std::nullopt;
    zone.remove_prefix(end);
  }
  if (zone == "Z" || zone == "z") return seconds * 1'000'000;
  if (zone.size() != 6 || (zone[0] != '+' && zone[0] != '-') || zone[3] != ':') return std::nullopt;
  const auto zone_hour = parse_number<uint32_t>(zone.substr(1, 2));
  const auto zone_minute = parse_number<uint32_t>(zone.substr(4, 2));
  if (!zone_hour || !zone_minute || *zone_hour > 23 || *zone_minute > 59) return std::nullopt;
  const int64_t offset = *zone_hour * 3600 + *zone_minute * 60;
  seconds += zone[0] == '+' ? -offset : offset;
  return seconds * 1'000'000;
}

Result<void> set_hold_until(MailFrom& mail, const Parameter& parameter) {
  if (mail.hold_for_s) return bad(parameter, "HOLDFOR and HOLDUNTIL exclude each other");
  mail.hold_until_us = parse_rfc3339_us(parameter.value.value_or(""));
  if (!mail.hold_until_us) return bad(parameter, "needs an RFC 3339 time");
  return {};
}

Result<void> set_flag(bool& flag, const Parameter& parameter) {
  if (parameter.value) return bad(parameter, "takes no value");
  flag = true;
  return {};
}

Result<void> set_ret(MailFrom& mail, const Parameter& parameter) {
  const std::string value = to_upper(parameter.value.value_or(""));
  if (value == "FULL")
    mail.ret = DsnReturn::full;
  else if (value == "HDRS")
    mail.ret = DsnReturn::headers;
  else
    return bad(parameter, "needs FULL or HDRS");
  return {};
}

Result<void> apply(MailFrom& mail, const Parameter& parameter, const CommandOptions& options) {
  const std::string& keyword = parameter.keyword;
  if (keyword == "SIZE") return set_size(mail, parameter);
  if (keyword == "BODY") return set_body(mail, parameter, options);
  if (keyword == "AUTH") return set_auth(mail, parameter);
  if (keyword == "SMTPUTF8" && options.smtputf8) return set_flag(mail.smtputf8, parameter);
  if (keyword == "REQUIRETLS" && options.requiretls) return set_flag(mail.requiretls, parameter);
  if (keyword == "RET" && options.dsn) return set_ret(mail, parameter);
  if (keyword == "ENVID" && options.dsn) return set_envid(mail, parameter);
  if (keyword == "HOLDFOR" && options.future_release) return set_hold_for(mail, parameter);
  if (keyword == "HOLDUNTIL" && options.future_release) return set_hold_until(mail, parameter);
  return unknown(parameter);
}

Result<void> set_notify(RcptTo& rcpt, const Parameter& parameter) {
  Notify notify;
  notify.unspecified = false;
  const std::string value = parameter.value.value_or("");
  for (const std::string_view word : split(value, ',')) {
    bool* flag = nullptr;
    if (iequals(word, "NEVER"))
      flag = &notify.never;
    else if (iequals(word, "SUCCESS"))
      flag = &notify.success;
    else if (iequals(word, "FAILURE"))
      flag = &notify.failure;
    else if (iequals(word, "DELAY"))
      flag = &notify.delay;
    if (flag == nullptr || *flag) return bad(parameter, "needs NEVER, or some of SUCCESS,FAILURE,DELAY");
    *flag = true;
  }
  if (notify.never && (notify.success || notify.failure || notify.delay))
    return bad(parameter, "NEVER stands alone");
  rcpt.notify = notify;
  return {};
}

Result<void> set_orcpt(RcptTo& rcpt, const Parameter& parameter) {
  const std::string_view value = parameter.value ? std::string_view(*parameter.value) : std::string_view();
  const size_t semicolon = value.find(';');
  if (value.size() > kMaxOrcpt || semicolon == std::string_view::npos || semicolon + 1 == value.size() ||
      !is_keyword(value.substr(0, semicolon)))
    return bad(parameter, "needs type;address");
  RcptTo::Original original;
  original.type = to_lower(value.substr(0, semicolon));
  const std::string_view encoded = value.substr(semicolon + 1);
  auto address = original.type == "utf-8" ? utf8_addr_decode(encoded) : xtext_decode(encoded);
  if (!address || !is_utf8(*address)) return bad(parameter, "address is not encoded properly");
  for (const char c : *address)
    if (static_cast<unsigned char>(c) < 32 || c == 127) return bad(parameter, "control character in address");
  original.address = std::move(*address);
  rcpt.orcpt = std::move(original);
  return {};
}

}  // namespace

Result<std::vector<Parameter>> parse_parameters(std::string_view text) {
  std::vector<Parameter> parameters;
  if (!text.empty() && text.front() != ' ') return fail(Errc::syntax, "no blank after the address");
  for (const std::string_view piece : split(text, ' ')) {
    if (piece.empty()) continue;
    if (parameters.size() == kMaxParameters) return fail(Errc::syntax, "too many parameters");
    const size_t equals = piece.find('=');
    Parameter parameter;
    parameter.keyword = to_upper(piece.substr(0, equals));
    if (!is_keyword(parameter.keyword)) return fail(Errc::syntax, "parameter is malformed");
    if (equals != std::string_view::npos) {
      parameter.value = std::string(piece.substr(equals + 1));
      for (const char c : *parameter.value)
        if (static_cast<unsigned char>(c) < 33 || c == 127)
          return fail(Errc::syntax, "parameter is malformed");
      if (parameter.value->empty()) return bad(parameter, "value is empty");
    }
    for (const Parameter& earlier : parameters)
      if (earlier.keyword == parameter.keyword) return bad(parameter, "given twice");
    parameters.push_back(std::move(parameter));
  }
  return parameters;
}

Result<void> apply_mail_parameters(MailFrom& mail, const CommandOptions& options) {
  for (const Parameter& parameter : mail.parameters) TRY_VOID(apply(mail, parameter, options));
  return {};
}

Result<void> apply_rcpt_parameters(RcptTo& rcpt, const CommandOptions& options) {
  for (const Parameter& parameter : rcpt.parameters) {
    if (parameter.keyword == "NOTIFY" && options.dsn) {
      TRY_VOID(set_notify(rcpt, parameter));
    } else if (parameter.keyword == "ORCPT" && options.dsn) {
      TRY_VOID(set_orcpt(rcpt, parameter));
    } else {
      return unknown(parameter);
    }
  }
  return {};
}

}  // namespace dromos::smtp
