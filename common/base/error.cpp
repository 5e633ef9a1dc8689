#include "common/base/error.h"

namespace dromos {

const ErrorCategory& ErrorCategoryOf<Errc>::get() {
  static constexpr std::string_view kNames[] = {
      "invalid_argument", "not_found", "already_exists", "permission_denied",
      "limit_exceeded",   "conflict",  "unavailable",    "timeout",
      "cancelled",        "closed",    "internal"};
  static const ErrorCategory category{"base", [](int code) { return kNames[code]; }};
  return category;
}

Error Error::with_context(std::string_view what) && {
  message_ = std::string(what) + ": " + message_;
  return std::move(*this);
}

std::string Error::to_string() const {
  std::string out(category());
  out += '/';
  out += code_name();
  out += ": ";
  out += message_;
  return out;
}

}  // namespace dromos
