#include "common/directory/errc.h"

namespace dromos {

namespace {
std::string_view describe(int code) {
  switch (static_cast<directory::Errc>(code)) {
    case directory::Errc::bad_credentials:
      return "bad_credentials";
    case directory::Errc::disabled:
      return "disabled";
    case directory::Errc::scope:
      return "scope";
    case directory::Errc::throttled:
      return "throttled";
    case directory::Errc::busy:
      return "busy";
    case directory::Errc::invalid_address:
      return "invalid_address";
    case directory::Errc::invalid_hash:
      return "invalid_hash";
  }
  return "unknown";
}
}  // namespace

const ErrorCategory& ErrorCategoryOf<directory::Errc>::get() {
  static const ErrorCategory category{"directory", describe};
  return category;
}

}  // namespace dromos
