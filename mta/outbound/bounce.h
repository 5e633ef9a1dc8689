// Who gets a delivery report, and what is in it (RFC 3461 §5, RFC 3464). Pure; DsnSender delivers it.
#pragma once

#include <string>
#include <vector>

#include "common/smtp/dsn.h"
#include "common/store/queue.h"
#include "mta/outbound/verdict.h"
#include "mta/service/queue_options.h"

namespace dromos::mta {

/// One recipient's line in a report.
struct ReportLine {
  store::QueueItem item;
  RecipientOptions options;
  SendVerdict verdict;
};

/// NOTIFY of the recipient (RFC 3461 §4.1); unspecified means failure and delay.
bool wants_report(const smtp::Notify& notify, smtp::DsnAction action);

struct ReportContext {
  std::string hostname;
  int64_t now_us = 0;
  bool expired = false;  ///< the failures are of time, not of the remote host: status 4.4.7
};

/// A report about `lines`, all of one message and with the same action. The caller adds `original`.
smtp::DsnReport make_report(const ReportContext& context, smtp::DsnAction action, const smtp::Mailbox& to,
                            const MessageOptions& message, const std::vector<ReportLine>& lines);

/// Ids that come out the same when an interrupted step is done again: from the queue id, the recipients and
/// what is done. They carry the queue id's time, so they sort and expire with it.
Uuid derived_id(store::QueueKey key, std::string_view what);
Uuid derived_id(const std::vector<ReportLine>& lines, std::string_view what);

}  // namespace dromos::mta
