#include "imapd/protocol/imap_url.h"

#include "common/base/strings.h"
#include "imapd/protocol/date.h"

namespace dromos::imapd {
namespace {

Unexpected bad_url(std::string reason) {
  return fail(Errc::invalid_argument, std::move(reason));
}

/// What no URL holds but encoded (RFC 3986 §2): with it, a URL could end the quoted string it is told in.
constexpr std::string_view kNeverPlain = "\"\\<>^`{|}#";

/// %XX undone; nothing if that is malformed, or not UTF-8, or holds controls.
std::optional<std::string> decode(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const auto octet = text.size() - i > 2 ? unhex(text.substr(i + 1, 2)) : std::nullopt;
    if (!octet) return std::nullopt;
    out += *octet;
    i += 2;
  }
  for (const char c : out)
    if (static_cast<uint8_t>(c) < 0x20 || c == 0x7f) return std::nullopt;
  if (!is_utf8(out)) return std::nullopt;
  return out;
}

/// Case-insensitive find.
size_t find_word(std::string_view text, std::string_view word) {
  for (size_t i = 0; i + word.size() <= text.size(); ++i)
    if (iequals(text.substr(i, word.size()), word)) return i;
  return std::string_view::npos;
}

bool eat(std::string_view& text, std::string_view word) {
  if (!istarts_with(text, word)) return false;
  text.remove_prefix(word.size());
  return true;
}

/// Up to the first of `ends`.
std::string_view take_until(std::string_view& text, std::string_view ends) {
  const std::string_view part = text.substr(0, text.find_first_of(ends));
  text.remove_prefix(part.size());
  return part;
}

/// RFC 3339, as ";EXPIRE=" has it.
std::optional<int64_t> parse_expire(std::string_view text) {
  // 2026-11-22T10:00:00[.123](Z|+01:00) -> "22-Nov-2026 10:00:00 +0100"
  static constexpr std::string_view kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                 "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  if (text.size() < 20 || text[4] != '-' || text[7] != '-' || (text[10] != 'T' && text[10] != 't'))
    return std::nullopt;
  const auto month = parse_number<uint32_t>(text.substr(5, 2));
  if (!month || *month < 1 || *month > 12) return std::nullopt;
  std::string_view zone = text.substr(19);
  if (zone[0] == '.') {
    zone.remove_prefix(1);
    while (!zone.empty() && zone[0] >= '0' && zone[0] <= '9') zone.remove_prefix(1);
  }
  std::string offset;
  if (zone == "Z" || zone == "z")
    offset = "+0000";
  else if (zone.size() == 6 && zone[3] == ':')
    offset = std::string(zone.substr(0, 3)) + std::string(zone.substr(4));
  else
    return std::nullopt;
  std::string imap(text.substr(8, 2));
  imap += '-';
  imap += kMonths[*month - 1];
  imap += '-';
  imap += text.substr(0, 4);
  imap += ' ';
  imap += text.substr(11, 8);
  imap += ' ';
  imap += offset;
  const auto date = parse_date_time(imap);
  if (!date) return std::nullopt;
  return date->unix_seconds * 1'000'000;
}

Result<void> parse_server(std::string_view text, ImapUrl& url) {
  if (const size_t at = text.rfind('@'); at != std::string_view::npos) {
    std::string_view info = text.substr(0, at);
    if (const size_t auth = find_word(info, ";AUTH="); auth != std::string_view::npos)
      info = info.substr(0, auth);
    const auto user = decode(info);
    if (!user) return bad_url("malformed user");
    url.user = *user;
    text.remove_prefix(at + 1);
  }
  if (text.empty()) return bad_url("no server");
  url.server = to_lower(text);
  return {};
}

Result<void> parse_access(std::string_view text, UrlAuth& auth) {
  using Access = UrlAuth::Access;
  const auto named = [&](std::string_view name, Access access) {
    if (!eat(text, name)) return false;
    auth.access = access;
    return true;
  };
  if (named("submit+", Access::submit) || named("user+", Access::user)) {
    const auto user = decode(text);
    if (!user || user->empty()) return bad_url("malformed access identifier");
    auth.access_user = *user;
    return {};
  }
  if ((named("authuser", Access::authuser) || named("anonymous", Access::anonymous)) && text.empty())
    return {};
  return bad_url("unknown access identifier");
}

/// What follows the part: [;EXPIRE=date];URLAUTH=access[:mechanism:token].
Result<void> parse_auth(std::string_view text, std::string_view whole, ImapUrl& url) {
  UrlAuth& auth = url.auth.emplace();
  if (eat(text, ";EXPIRE=")) {
    auth.expires_us = parse_expire(take_until(text, ";"));
    if (!auth.expires_us) return bad_url("malformed EXPIRE");
  }
  if (!eat(text, ";URLAUTH=")) return bad_url("unknown parameter");
  TRY_VOID(parse_access(take_until(text, ":"), auth));
  url.rump = whole.substr(0, whole.size() - text.size());
  if (text.empty()) return {};
  text.remove_prefix(1);
  auth.mechanism = to_upper(take_until(text, ":"));
  if (auth.mechanism.empty() || text.size() < 33) return bad_url("malformed token");
  const auto token = unhex(text.substr(1));
  if (!token) return bad_url("malformed token");
  auth.token = *token;
  return {};
}

Result<void> parse_mailbox(std::string_view text, ImapUrl& url) {
  if (const size_t at = find_word(text, ";UIDVALIDITY="); at != std::string_view::npos) {
    url.uidvalidity = parse_number<uint32_t>(text.substr(at + 13));
    if (!url.uidvalidity || *url.uidvalidity == 0) return bad_url("malformed UIDVALIDITY");
    text = text.substr(0, at);
  }
  if (text.find_first_of(";?") != std::string_view::npos) return bad_url("not a message");
  const auto mailbox = decode(text);
  if (!mailbox) return bad_url("malformed mailbox name");
  url.mailbox = *mailbox;
  return {};
}

/// ";UID=20[/;SECTION=1.2][/;PARTIAL=0.1024]" and what follows.
Result<void> parse_part(std::string_view text, std::string_view whole, ImapUrl& url) {
  if (!eat(text, ";UID=")) return bad_url("no message");
  const auto uid = parse_number<uint32_t>(take_until(text, "/;"));
  if (!uid || *uid == 0) return bad_url("malformed UID");
  url.uid = *uid;
  if (eat(text, "/;SECTION=")) {
    const auto section = decode(take_until(text, "/;"));
    if (!section || section->empty()) return bad_url("malformed SECTION");
    url.section = *section;
  }
  if (eat(text, "/;PARTIAL=")) {
    std::string_view range = take_until(text, "/;");
    const auto first = parse_number<uint64_t>(take_until(range, "."));
    const auto count = range.empty() ? std::optional<uint64_t>(0) : parse_number<uint64_t>(range.substr(1));
    if (!first || !count || (!range.empty() && *count == 0)) return bad_url("malformed PARTIAL");
    url.partial = {*first, *count};
  }
  if (text.empty()) return {};
  return parse_auth(text, whole, url);
}

}  // namespace

Result<ImapUrl> parse_imap_url(std::string_view text) {
  if (text.size() > kMaxImapUrl) return bad_url("URL is too long");
  for (const char c : text)
    if (static_cast<uint8_t>(c) <= 0x20 || static_cast<uint8_t>(c) >= 0x7f ||
        kNeverPlain.find(c) != kNeverPlain.npos)
      return bad_url("unencoded octet");
  const std::string_view whole = text;
  ImapUrl url;
  const bool absolute = eat(text, "imap://");
  if (absolute) TRY_VOID(parse_server(take_until(text, "/"), url));
  if (!absolute && text.find("://") < text.find('/')) return bad_url("not an IMAP URL");
  const bool rooted = eat(text, "/");
  const size_t part = find_word(text, "/;UID=");
  if (part != std::string_view::npos) {
    TRY_VOID(parse_mailbox(text.substr(0, part), url));
    if (url.mailbox.empty()) return bad_url("no mailbox");
    text.remove_prefix(part + 1);
  } else if (absolute || rooted) {
    return bad_url("no message");
  }
  TRY_VOID(parse_part(text, whole, url));
  return url;
}

}  // namespace dromos::imapd
