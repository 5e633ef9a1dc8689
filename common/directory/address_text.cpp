#include "common/directory/address_text.h"

#include <idn2.h>

#include <algorithm>

#include "common/base/strings.h"
#include "common/directory/errc.h"

namespace dromos::directory {

namespace {

Unexpected bad_domain() {
  return fail(Errc::invalid_address, "not a domain name");
}

bool is_label(std::string_view label) {
  if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-') return false;
  return std::all_of(label.begin(), label.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-'; });
}

}  // namespace

Result<std::string> domain_to_ascii(std::string_view domain) {
  if (!domain.empty() && domain.back() == '.') domain.remove_suffix(1);
  if (domain.empty() || domain.size() > 4 * kMaxDomain) return bad_domain();
  std::string ascii;
  if (is_ascii(domain)) {
    ascii = to_lower(domain);
  } else {
    if (!is_utf8(domain) || domain.find('\0') != std::string_view::npos) return bad_domain();
    char* out = nullptr;
    const std::string text(domain);
    if (idn2_to_ascii_8z(text.c_str(), &out, IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT) != IDN2_OK)
      return bad_domain();
    ascii = to_lower(out);
    idn2_free(out);
  }
  if (ascii.size() > kMaxDomain) return bad_domain();
  for (const std::string_view label : split(ascii, '.'))
    if (!is_label(label)) return bad_domain();
  return ascii;
}

bool is_local_part(std::string_view local) {
  if (local.empty() || local.size() > kMaxLocalPart || !is_utf8(local)) return false;
  return std::none_of(local.begin(), local.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte <= 0x20 || byte == 0x7f || c == '"' || c == '<' || c == '>' || c == '@' || c == '\\';
  });
}

Result<std::pair<std::string, std::string>> split_address(std::string_view address) {
  const size_t at = address.rfind('@');
  if (at == std::string_view::npos) return fail(Errc::invalid_address, "no @ in the address");
  const std::string_view local = address.substr(0, at);
  if (!is_local_part(local)) return fail(Errc::invalid_address, "unusable local part");
  TRY(std::string domain, domain_to_ascii(address.substr(at + 1)));
  return std::pair(std::string(local), std::move(domain));
}

Result<std::string> normalize_address(std::string_view address) {
  TRY(auto parts, split_address(address));
  return parts.first + "@" + parts.second;
}

}  // namespace dromos::directory
