#include "common/sasl/errc.h"

namespace dromos::sasl {

static std::string_view describe_errc(int code) {
  switch (static_cast<Errc>(code)) {
    case Errc::malformed:
      return "malformed";
    case Errc::mechanism:
      return "mechanism";
    case Errc::cancelled:
      return "cancelled";
    case Errc::bad_credentials:
      return "bad_credentials";
    case Errc::channel_binding:
      return "channel_binding";
    case Errc::unavailable:
      return "unavailable";
  }
  return "unknown";
}

}  // namespace dromos::sasl

const dromos::ErrorCategory& dromos::ErrorCategoryOf<dromos::sasl::Errc>::get() {
  static const ErrorCategory category{"sasl", &sasl::describe_errc};
  return category;
}
