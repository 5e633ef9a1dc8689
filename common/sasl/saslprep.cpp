#include "common/sasl/saslprep.h"

#include "common/base/strings.h"

#include <unicode/unistr.h>
#include <unicode/usprep.h>

namespace dromos::sasl {
namespace {

/// Opened once; ICU's profiles may be used by any thread.
const UStringPrepProfile* profile() {
  static const UStringPrepProfile* const opened = [] {
    UErrorCode status = U_ZERO_ERROR;
    UStringPrepProfile* p = usprep_openByType(USPREP_RFC4013_SASLPREP, &status);
    return U_SUCCESS(status) ? p : nullptr;
  }();
  return opened;
}

}  // namespace

std::optional<std::string> saslprep(std::string_view text) {
  if (text.size() > kMaxPassword || text.find('\0') != std::string_view::npos) return std::nullopt;
  if (is_ascii(text)) {
    for (const char c : text)
      if (c < 32 || c == 127) return std::nullopt;  // RFC 3454 table C.2.1
    return std::string(text);
  }
  if (!is_utf8(text) || profile() == nullptr) return std::nullopt;
  const icu::UnicodeString source =
      icu::UnicodeString::fromUTF8(icu::StringPiece(text.data(), static_cast<int32_t>(text.size())));
  // NFKC grows a text at most 18-fold (RFC 3454's Unicode 3.2).
  const int32_t capacity = source.length() * 18 + 1;
  icu::UnicodeString prepared;
  UErrorCode status = U_ZERO_ERROR;
  const int32_t length =
      usprep_prepare(profile(), source.getBuffer(), source.length(), prepared.getBuffer(capacity), capacity,
                     USPREP_ALLOW_UNASSIGNED, nullptr, &status);
  prepared.releaseBuffer(U_SUCCESS(status) ? length : 0);
  if (U_FAILURE(status)) return std::nullopt;
  std::string result;
  prepared.toUTF8String(result);
  return result;
}

std::string prepare_password(std::string_view password) {
  auto prepared = saslprep(password);
  return prepared && !prepared->empty() ? std::move(*prepared) : std::string(password);
}

}  // namespace dromos::sasl
