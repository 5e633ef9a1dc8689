#include "imapd/protocol/mailbox_name.h"

#include <unicode/normalizer2.h>
#include <unicode/unistr.h>

#include "common/base/strings.h"

namespace dromos::imapd {
namespace {

Unexpected bad_name(std::string reason) {
  return fail(Errc::invalid_argument, std::move(reason));
}

Result<std::string> decode(std::string_view wire, bool utf8) {
  if (utf8) {
    if (is_utf8(wire)) return std::string(wire);
    return bad_name("Mailbox name is not valid UTF-8");
  }
  auto decoded = utf7_to_utf8(wire);
  if (!decoded) return bad_name("Mailbox name is not valid modified UTF-7");
  return std::move(*decoded);
}

}  // namespace

std::optional<std::string> to_nfc(std::string_view utf8) {
  if (!is_utf8(utf8)) return std::nullopt;
  if (is_ascii(utf8)) return std::string(utf8);
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* nfc = icu::Normalizer2::getNFCInstance(status);
  if (U_FAILURE(status)) return std::nullopt;
  std::string out;
  icu::StringByteSink<std::string> sink(&out, static_cast<int32_t>(utf8.size()));
  nfc->normalizeUTF8(0, icu::StringPiece(utf8.data(), static_cast<int32_t>(utf8.size())), sink, nullptr,
                     status);
  if (U_FAILURE(status)) return std::nullopt;
  return out;
}

bool is_inbox(std::string_view name) {
  return istarts_with(name, "INBOX") && (name.size() == 5 || name[5] == kSeparator);
}

Result<void> check_mailbox_name(std::string_view name) {
  if (name.empty()) return bad_name("Mailbox name is empty");
  if (name.size() > kMaxMailboxName) return bad_name("Mailbox name is too long");
  if (!is_utf8(name)) return bad_name("Mailbox name is not valid UTF-8");
  for (size_t i = 0; i < name.size(); ++i) {
    const auto c = static_cast<uint8_t>(name[i]);
    // C0, DEL, C1 (U+0080-U+009F) and the line separators U+2028 and U+2029 (RFC 5198 §2).
    const bool c1 = c == 0xc2 && static_cast<uint8_t>(name[i + 1]) < 0xa0;
    const bool line = c == 0xe2 && static_cast<uint8_t>(name[i + 1]) == 0x80 &&
                      (static_cast<uint8_t>(name[i + 2]) & 0xfe) == 0xa8;
    if (c < 0x20 || c == 0x7f || c1 || line) return bad_name("Mailbox name contains a control character");
  }
  const auto components = split(name, kSeparator);
  if (components.size() > kMaxMailboxDepth) return bad_name("Mailbox name has too many levels");
  for (const std::string_view component : components) {
    if (component.empty()) return bad_name("Mailbox name has an empty level");
    if (component.size() > kMaxMailboxComponent) return bad_name("A level of the mailbox name is too long");
    if (component == "." || component == "..") return bad_name("\".\" and \"..\" are no names for a mailbox");
  }
  return {};
}

Result<std::string> mailbox_from_wire(std::string_view wire, bool utf8) {
  // Decoding and normalising shrink a name or at most triple it.
  if (wire.size() > 4 * kMaxMailboxName) return bad_name("Mailbox name is too long");
  TRY(std::string decoded, decode(wire, utf8));
  auto name = to_nfc(decoded);
  if (!name) return bad_name("Mailbox name is not valid UTF-8");
  if (name->size() > 1 && name->back() == kSeparator) name->pop_back();
  if (is_inbox(*name)) name->replace(0, 5, "INBOX");
  TRY_VOID(check_mailbox_name(*name));
  return std::move(*name);
}

std::string mailbox_to_wire(std::string_view name, bool utf8) {
  return utf8 ? std::string(name) : utf8_to_utf7(name);
}

Result<std::string> list_pattern_from_wire(std::string_view reference, std::string_view pattern, bool utf8) {
  if (reference.size() + pattern.size() > 4 * kMaxMailboxName) return bad_name("LIST pattern is too long");
  TRY(std::string head, decode(reference, utf8));
  TRY(std::string tail, decode(pattern, utf8));
  // A pattern that starts at the root ignores the reference (RFC 9051 §6.3.9).
  auto joined = to_nfc(!tail.empty() && tail[0] == kSeparator ? tail.substr(1) : head + tail);
  if (!joined) return bad_name("LIST pattern is not valid UTF-8");
  return std::move(*joined);
}

std::vector<std::string> path_of_name(std::string_view name) {
  std::vector<std::string> path;
  for (const std::string_view level : split(name, kSeparator)) path.emplace_back(level);
  return path;
}

std::string name_of_path(const std::vector<std::string>& path) {
  return join(path, std::string_view(&kSeparator, 1));
}

std::string_view name_above(std::string_view name) {
  const size_t at = name.rfind(kSeparator);
  return at == std::string_view::npos ? std::string_view() : name.substr(0, at);
}

bool is_below(std::string_view name, std::string_view root) {
  return name.size() > root.size() && name.starts_with(root) && name[root.size()] == kSeparator;
}

}  // namespace dromos::imapd
