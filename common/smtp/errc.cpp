#include "common/smtp/errc.h"

namespace dromos::smtp {

static std::string_view describe_errc(int code) {
  switch (static_cast<Errc>(code)) {
    case Errc::unknown_command:
      return "unknown_command";
    case Errc::line_too_long:
      return "line_too_long";
    case Errc::bad_line:
      return "bad_line";
    case Errc::syntax:
      return "syntax";
    case Errc::bad_parameter:
      return "bad_parameter";
    case Errc::unknown_parameter:
      return "unknown_parameter";
    case Errc::unsupported_parameter:
      return "unsupported_parameter";
    case Errc::bad_sender:
      return "bad_sender";
    case Errc::bad_recipient:
      return "bad_recipient";
    case Errc::bad_address:
      return "bad_address";
    case Errc::utf8_not_requested:
      return "utf8_not_requested";
    case Errc::bad_content:
      return "bad_content";
    case Errc::too_large:
      return "too_large";
    case Errc::bad_reply:
      return "bad_reply";
  }
  return "unknown";
}

}  // namespace dromos::smtp

const dromos::ErrorCategory& dromos::ErrorCategoryOf<dromos::smtp::Errc>::get() {
  static const ErrorCategory category{"smtp", &smtp::describe_errc};
  return category;
}
