#include "imapd/pop3/surrogate.h"

#include <algorithm>

#include "common/base/strings.h"
#include "common/mime/address.h"
#include "common/mime/encodings.h"
#include "common/mime/header.h"

namespace dromos::imapd::pop3 {
namespace {

constexpr std::string_view kInvalid = "invalid@internationalized-address.invalid";
constexpr std::string_view kAddressFields[] = {
    "From",           "Sender",      "To",        "Cc",         "Bcc",           "Reply-To",
    "Resent-To",      "Resent-From", "Resent-Cc", "Resent-Bcc", "Resent-Sender", "Return-Path",
    "Resent-Reply-To"};

/// Group syntax is lost: its members stay.
std::string addresses(std::string_view value) {
  std::string out;
  for (const mime::Address& address : mime::parse_address_list(value)) {
    if (address.kind != mime::Address::Kind::mailbox) continue;
    const std::string email = address.mailbox + "@" + address.host;
    std::string name = mime::decode_words(address.name);
    const bool shown = is_ascii(email);
    if (!shown && name.empty()) name = clean_utf8(email);
    if (!out.empty()) out += ",\r\n ";
    out += mime::format_address(name, shown ? std::string_view(email) : kInvalid);
  }
  return out;
}

/// The value and those of its parameters that are ASCII.
std::string ascii_parameters(std::string_view value) {
  std::string out;
  std::string piece;
  bool quoted = false;
  const auto take = [&] {
    if (is_ascii(piece)) out += (out.empty() ? "" : ";\r\n ") + std::string(trim(piece));
    piece.clear();
  };
  const std::string line = mime::unfold(value);
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '"') quoted = !quoted;
    if (line[i] == ';' && !quoted) {
      take();
      continue;
    }
    piece += line[i];
    if (line[i] == '\\' && quoted && i + 1 < line.size()) piece += line[++i];
  }
  take();
  return out;
}

/// The field as it can be shown; empty: not at all.
std::string shown(const mime::Field& field) {
  if (!is_ascii(field.name)) return {};
  std::string value;
  if (std::any_of(std::begin(kAddressFields), std::end(kAddressFields),
                  [&](std::string_view listed) { return iequals(field.name, listed); }))
    value = addresses(field.value);
  else if (iequals(field.name, "Subject"))
    value = mime::encode_words(mime::decode_text(field.value));
  else if (iequals(field.name, "Content-Type") || iequals(field.name, "Content-Disposition"))
    value = ascii_parameters(field.value);
  if (value.empty() || !is_ascii(value)) return {};
  return std::string(field.name) + ": " + value + "\r\n";
}

}  // namespace

std::optional<Surrogate> surrogate_header(std::string_view front) {
  Surrogate made;
  bool changed = false;
  mime::FieldReader reader(front);
  while (const auto field = reader.next()) {
    const std::string_view whole = front.substr(field->offset, field->length);
    if (is_ascii(whole) || !is_utf8(whole)) {
      made.header += whole;
    } else {
      made.header += shown(*field);
      changed = true;
    }
  }
  if (!changed) return std::nullopt;
  made.replaced_octets = reader.position();
  // Cut short: the end of the header is not in `front`, unless the message is a header only.
  if (!front.substr(0, made.replaced_octets).ends_with('\n')) return std::nullopt;
  made.header += "\r\n";
  return made;
}

}  // namespace dromos::imapd::pop3
