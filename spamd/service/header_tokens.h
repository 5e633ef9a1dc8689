// Tokens of the header: who wrote it and with what software, leaving out what receiving servers added.
#pragma once

#include "spamd/service/mail_view.h"
#include "spamd/service/tokens.h"

namespace dromos::spamd {

void add_header_tokens(TokenSet& tokens, const MailView& mail);

/// Letters and digits of an identifier as a shape, runs joined: "20020828.AB12@x" -> "9.A9@x" up to the host.
std::string shape_of(std::string_view text);

}  // namespace dromos::spamd
