// Delivery status notifications that belong into the commit of a message: recipients that refused while
// others took it, and those whose sender asked to hear of success (RFC 3461 §5.2, §6). They go through the
// queue, so that the sender's own trouble cannot hold up the message.
#pragma once

#include <string_view>
#include <vector>

#include "common/directory/types.h"
#include "common/smtp/dsn.h"
#include "mta/service/plan.h"

namespace dromos::mta {

struct Notification {
  std::vector<smtp::DsnRecipient> recipients;
  /// Where the sender's mail goes: accounts of ours, or the address itself.
  directory::RecipientResolution sender;
};

/// Failed with `reply`, or delivered. Nothing if the sender does not want to know.
std::optional<smtp::DsnRecipient> failed_recipient(const smtp::RcptTo& rcpt, const smtp::Reply& reply,
                                                   int64_t now_us);
std::optional<smtp::DsnRecipient> delivered_recipient(const smtp::RcptTo& rcpt, int64_t now_us);

/// Adds the queue row. `original` is the message with its header.
void add_notification(Plan& plan, const Envelope& envelope, const Notification& notification,
                      std::string_view original, std::string_view hostname, const PlanOptions& options);

}  // namespace dromos::mta
