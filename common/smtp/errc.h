// What can be wrong with SMTP input, and the reply each failure deserves (reply_for, the one place that
// chooses).
#pragma once

#include "common/base/error.h"

namespace dromos::smtp {

enum class Errc {
  unknown_command,        // 500 5.5.1
  line_too_long,          // 500 5.5.6
  bad_line,               // 500 5.5.2: NUL, bare CR or bare LF in a command
  syntax,                 // 501 5.5.4
  bad_parameter,          // 501 5.5.4
  unknown_parameter,      // 555 5.5.4
  unsupported_parameter,  // 504 5.5.4
  bad_sender,             // 501 5.1.7
  bad_recipient,          // 501 5.1.3
  bad_address,            // 501 5.1.3
  utf8_not_requested,     // 553 5.6.7: non-ASCII path without SMTPUTF8 (RFC 6531 §3.5)
  bad_content,            // 550 5.6.0: NUL, bare CR or bare LF in mail data
  too_large,              // 552 5.3.4
  bad_reply,              // client side: the server's reply is malformed or past its bounds
};

}  // namespace dromos::smtp

template <>
struct dromos::ErrorCategoryOf<dromos::smtp::Errc> {
  static const dromos::ErrorCategory& get();
};
