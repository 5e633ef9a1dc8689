// The ESMTP parameters of MAIL and RCPT (RFC 5321 §4.1.2 esmtp-param): a generic bounded list, then the known
// ones typed. Internal to command.cpp.
#pragma once

#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/smtp/command.h"

namespace dromos::smtp {

/// `text` is what follows the path: empty, or blanks and KEYWORD[=value] pieces.
Result<std::vector<Parameter>> parse_parameters(std::string_view text);
Result<void> apply_mail_parameters(MailFrom& mail, const CommandOptions& options);
Result<void> apply_rcpt_parameters(RcptTo& rcpt, const CommandOptions& options);

}  // namespace dromos::smtp
