// The trace events of mta (docs/operations/trace): what happened to a message, as rows for the store.
#pragma once

#include <string>
#include <string_view>

#include "common/store/delivery.h"
#include "mta/service/backend.h"
#include "mta/service/scanner.h"

namespace dromos::mta {

store::TraceEvent received_event(const Envelope& envelope, std::string_view content);
store::TraceEvent scanned_event(const Envelope& envelope, const Verdict& verdict);
/// `role`: the special use of the mailbox it goes to.
store::TraceEvent delivered_event(const Envelope& envelope, const std::string& recipient, AccountId account,
                                  const std::string& role);
store::TraceEvent queued_event(const Envelope& envelope, const std::string& recipient,
                               const std::string& address, const std::string& transport, QueueId id);
store::TraceEvent bounced_event(const Envelope& envelope, const std::string& recipient,
                                const std::string& text);

}  // namespace dromos::mta
