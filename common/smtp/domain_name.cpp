// Domains and address literals: RFC 5321 §4.1.2-§4.1.3, RFC 5890 through libidn2.
#include "common/base/strings.h"
#include "common/smtp/address.h"

#include <arpa/inet.h>
#include <idn2.h>

#include <array>

namespace dromos::smtp {
namespace {

constexpr size_t kMaxLabel = 63;

Unexpected bad(std::string what) {
  return fail(Errc::bad_address, std::move(what));
}

bool is_label_char(char c) {
  return is_alpha(c) || is_digit(c) || c == '-';
}

/// The domain is ASCII and lower case: check the grammar label by label.
Result<void> check_labels(std::string_view domain) {
  std::string_view last;
  for (const std::string_view label : split(domain, '.')) {
    if (label.empty()) return bad("empty label in domain");
    if (label.size() > kMaxLabel) return bad("label in domain is longer than 63 octets");
    for (const char c : label)
      if (!is_label_char(c)) return bad("character not allowed in domain");
    if (label.front() == '-' || label.back() == '-')
      return bad("label in domain begins or ends with a hyphen");
    last = label;
  }
  if (last.find_first_not_of("0123456789") == std::string_view::npos)
    return bad("domain ends in a number; an IP address needs brackets");
  return {};
}

Result<std::string> to_a_labels(std::string_view domain) {
  if (!is_utf8(domain)) return bad("domain is not UTF-8");
  const std::string input(domain);  // NUL was refused before
  uint8_t* output = nullptr;
  const int rc = idn2_lookup_u8(reinterpret_cast<const uint8_t*>(input.c_str()), &output,
                                IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
  if (rc != IDN2_OK) return bad(std::string("domain is not valid IDNA: ") + idn2_strerror(rc));
  std::string result(reinterpret_cast<const char*>(output));
  idn2_free(output);
  return result;
}

}  // namespace

Result<std::string> canonical_domain(std::string_view domain) {
  if (domain.empty()) return bad("domain is missing");
  // U-labels may be longer in UTF-8 than as A-labels; twice the limit bounds the work.
  if (domain.size() > 2 * kMaxDomain) return bad("domain is longer than 255 octets");
  if (domain.find('\0') != std::string_view::npos) return bad("NUL in domain");
  std::string lower = to_lower(domain);
  if (!is_ascii(lower) || lower.find("xn--") != std::string::npos) {
    TRY(std::string a_labels, to_a_labels(lower));
    lower = to_lower(a_labels);
  }
  if (lower.size() > kMaxDomain) return bad("domain is longer than 255 octets");
  TRY_VOID(check_labels(lower));
  return lower;
}

Result<std::string> canonical_literal(std::string_view bracketed) {
  if (bracketed.size() < 3 || bracketed.front() != '[' || bracketed.back() != ']')
    return bad("address literal needs brackets");
  const std::string inner(bracketed.substr(1, bracketed.size() - 2));
  if (inner.find('\0') != std::string::npos || inner.size() > 64) return bad("address literal is malformed");
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (istarts_with(inner, "IPv6:")) {
    in6_addr address{};
    if (inet_pton(AF_INET6, inner.c_str() + 5, &address) != 1)
      return bad("IPv6 address literal is malformed");
    inet_ntop(AF_INET6, &address, text.data(), text.size());
    return "[IPv6:" + std::string(text.data()) + "]";
  }
  in_addr address{};
  if (inet_pton(AF_INET, inner.c_str(), &address) != 1) return bad("address literal is malformed");
  inet_ntop(AF_INET, &address, text.data(), text.size());
  return "[" + std::string(text.data()) + "]";
}

std::string domain_for_display(std::string_view a_labels) {
  const std::string input(a_labels);
  if (input.find("xn--") == std::string::npos || input.find('\0') != std::string::npos) return input;
  char* output = nullptr;
  if (idn2_to_unicode_8z8z(input.c_str(), &output, IDN2_NONTRANSITIONAL) != IDN2_OK) return input;
  std::string result(output);
  idn2_free(output);
  return result;
}

}  // namespace dromos::smtp
