#include "common/smtp/address.h"

#include "common/base/strings.h"

#include <unicode/locid.h>
#include <unicode/normalizer2.h>
#include <unicode/unistr.h>

namespace dromos::smtp {
namespace {

Unexpected bad(std::string what) {
  return fail(Errc::bad_address, std::move(what));
}

bool is_high(char c) {
  return (static_cast<unsigned char>(c) & 0x80) != 0;
}

/// atext of RFC 5322 §3.2.3 with RFC 6531's UTF8-non-ascii.
bool is_atext(char c) {
  if (is_alpha(c) || is_digit(c) || is_high(c)) return true;
  return c != '\0' && std::string_view("!#$%&'*+-/=?^_`{|}~").find(c) != std::string_view::npos;
}

bool is_printable(char c) {
  return is_high(c) || (c >= 32 && c < 127);
}

/// Quoted-string of §4.1.2 at the front of `text`, unquoted into `local`.
Result<void> take_quoted(std::string_view& text, std::string& local) {
  for (size_t i = 1; i < text.size(); ++i) {
    char c = text[i];
    if (c == '"') {
      text.remove_prefix(i + 1);
      return {};
    }
    if (c == '\\') {
      if (++i == text.size()) break;
      c = text[i];
      if (is_high(c)) return bad("quoted non-ASCII character in local part");
    }
    if (!is_printable(c)) return bad("control character in quoted local part");
    local.push_back(c);
  }
  return bad("quoted local part does not end");
}

/// Dot-string of §4.1.2.
Result<void> take_dot_string(std::string_view& text, std::string& local) {
  size_t end = 0;
  while (end < text.size() && (is_atext(text[end]) || text[end] == '.')) ++end;
  local.assign(text.substr(0, end));
  if (local.empty()) return bad("local part is missing");
  if (local.front() == '.' || local.back() == '.' || local.find("..") != std::string::npos)
    return bad("misplaced dot in local part");
  text.remove_prefix(end);
  return {};
}

Result<void> take_domain(std::string_view& text, Mailbox& mailbox) {
  size_t end = 0;
  if (!text.empty() && text.front() == '[') {
    end = text.find(']');
    if (end == std::string_view::npos) return bad("address literal does not end");
    mailbox.shown_domain.assign(text.substr(0, ++end));
    TRY(mailbox.domain, canonical_literal(mailbox.shown_domain));
  } else {
    while (end < text.size() && text[end] != '>' && text[end] != ' ') ++end;
    mailbox.shown_domain.assign(text.substr(0, end));
    TRY(mailbox.domain, canonical_domain(mailbox.shown_domain));
  }
  text.remove_prefix(end);
  return {};
}

Result<Mailbox> take_mailbox(std::string_view& text, size_t max_local) {
  Mailbox mailbox;
  const size_t before = text.size();
  if (!text.empty() && text.front() == '"') {
    TRY_VOID(take_quoted(text, mailbox.local));
  } else {
    TRY_VOID(take_dot_string(text, mailbox.local));
  }
  if (before - text.size() > max_local + 2 || mailbox.local.size() > max_local)
    return bad("local part is longer than " + std::to_string(max_local) + " octets");
  if (!is_utf8(mailbox.local)) return bad("local part is not UTF-8");
  if (text.empty() || text.front() != '@')
    return bad("character not allowed in local part, or no @ after it");
  text.remove_prefix(1);
  TRY_VOID(take_domain(text, mailbox));
  return mailbox;
}

/// A-d-l ":" of §4.1.2: checked for shape, then dropped (§F.2).
Result<void> drop_source_route(std::string_view& text) {
  if (text.empty() || text.front() != '@') return {};
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos) return bad("source route does not end");
  for (const std::string_view hop : split(text.substr(0, colon), ',')) {
    if (hop.empty() || hop.front() != '@') return bad("source route is malformed");
    TRY_VOID(canonical_domain(hop.substr(1)));
  }
  text.remove_prefix(colon + 1);
  return {};
}

Result<Mailbox> take_path(std::string_view& text, size_t max_local) {
  std::string_view rest = text;
  if (rest.empty() || rest.front() != '<') return bad("address must stand in angle brackets");
  rest.remove_prefix(1);
  TRY_VOID(drop_source_route(rest));
  TRY(Mailbox mailbox, take_mailbox(rest, max_local));
  if (rest.empty() || rest.front() != '>') return bad("no > after the address");
  rest.remove_prefix(1);
  if (text.size() - rest.size() > kMaxPath || mailbox.to_string().size() + 2 > kMaxPath)
    return bad("path is longer than 256 octets");
  text = rest;
  return mailbox;
}

}  // namespace

bool Mailbox::needs_smtputf8() const {
  return !is_ascii(local);
}

bool Mailbox::given_non_ascii() const {
  return !is_ascii(local) || !is_ascii(shown_domain);
}

std::string Mailbox::to_string() const {
  return domain.empty() ? quote_local_part(local) : quote_local_part(local) + "@" + domain;
}

std::string Mailbox::shown() const {
  return domain.empty() ? quote_local_part(local) : quote_local_part(local) + "@" + shown_domain;
}

std::string Mailbox::local_key() const {
  return local_part_key(local);
}

std::string Mailbox::key() const {
  return local_key() + "@" + domain;
}

Subaddress split_subaddress(std::string_view local, char separator) {
  const size_t at = local.find(separator, 1);
  if (local.empty() || at == std::string_view::npos) return {local, std::nullopt};
  return {local.substr(0, at), local.substr(at + 1)};
}

Result<Mailbox> parse_mailbox(std::string_view text, size_t max_local) {
  const size_t size = text.size();
  TRY(Mailbox mailbox, take_mailbox(text, max_local));
  if (!text.empty()) return bad("text after the address");
  if (size + 2 > kMaxPath || mailbox.to_string().size() + 2 > kMaxPath)
    return bad("address is longer than 254 octets");
  return mailbox;
}

Result<std::optional<Mailbox>> take_reverse_path(std::string_view& text) {
  if (text.starts_with("<>")) {
    text.remove_prefix(2);
    return std::optional<Mailbox>();
  }
  TRY(Mailbox mailbox, take_path(text, kMaxSenderLocalPart));
  return std::optional<Mailbox>(std::move(mailbox));
}

Result<Mailbox> take_forward_path(std::string_view& text) {
  constexpr std::string_view kPostmaster = "<postmaster>";
  if (istarts_with(text, kPostmaster)) {
    Mailbox mailbox;
    mailbox.local.assign(text.substr(1, kPostmaster.size() - 2));
    text.remove_prefix(kPostmaster.size());
    return mailbox;
  }
  if (text.starts_with("<>")) return bad("recipient is empty");
  return take_path(text, kMaxLocalPart);
}

std::string local_part_key(std::string_view local) {
  if (is_ascii(local)) return to_lower(local);
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* nfc = icu::Normalizer2::getNFCInstance(status);
  icu::UnicodeString text =
      icu::UnicodeString::fromUTF8(icu::StringPiece(local.data(), static_cast<int32_t>(local.size())));
  text.toLower(icu::Locale::getRoot());
  if (U_SUCCESS(status)) text = nfc->normalize(text, status);
  std::string result;
  text.toUTF8String(result);
  return U_SUCCESS(status) ? result : to_lower(local);
}

std::string quote_local_part(std::string_view local) {
  bool plain = !local.empty() && local.front() != '.' && local.back() != '.' &&
               local.find("..") == std::string_view::npos;
  for (const char c : local) plain = plain && (is_atext(c) || c == '.');
  if (plain) return std::string(local);
  std::string quoted = "\"";
  for (const char c : local) {
    if (c == '"' || c == '\\') quoted.push_back('\\');
    quoted.push_back(c);
  }
  return quoted + "\"";
}

}  // namespace dromos::smtp
