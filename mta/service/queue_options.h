// What mta keeps in the `options` columns of queue.message and queue.recipient: the DSN wishes of the sender
// (RFC 3461) and what the message needs of the next hop. JSON in the store; unknown keys are ignored, absent
// ones mean the default, so that versions N and N-1 read each other's rows.
//
// Queue bodies carry Received and X-Spam-Status but no Return-Path: who delivers finally (transport `local`)
// puts it in front (RFC 5321 §4.4).
#pragma once

#include <string>
#include <string_view>

#include "common/base/ids.h"
#include "common/base/result.h"
#include "common/smtp/command.h"

namespace dromos::mta {

struct MessageOptions {
  std::string ret;    ///< "full", "hdrs" or "" (RFC 3461 §4.3)
  std::string envid;  ///< decoded
  bool smtputf8 = false;
  bool eight_bit = false;  ///< BODY=8BITMIME was given
  bool binary = false;     ///< not in lines: needs BINARYMIME at the next hop (RFC 3030)
};

struct RecipientOptions {
  smtp::Notify notify;
  std::string orcpt_type;  ///< "rfc822"
  std::string orcpt;       ///< decoded
  /// Transport `local` only: where it goes.
  AccountId account;
  std::string role;  ///< "inbox", "junk"
};

std::string encode(const MessageOptions& options);
std::string encode(const RecipientOptions& options);
/// Text that is no JSON object is an error.
Result<MessageOptions> decode_message_options(std::string_view json);
Result<RecipientOptions> decode_recipient_options(std::string_view json);

}  // namespace dromos::mta
