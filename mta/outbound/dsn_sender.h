// DsnSender: brings delivery reports to the sender: into a mailbox of ours at once, or into the queue. Done
// again after a crash, the same report is not delivered twice (derived ids).
#pragma once

#include <vector>

#include "common/smtp/dsn.h"
#include "mta/outbound/bounce.h"
#include "mta/outbound/context.h"

namespace dromos::mta {

class DsnSender {
 public:
  explicit DsnSender(OutboundContext& context) : context_(context) {}

  /// Reports on `lines` (one message, one action, the lease `token` still held) where the sender wants it.
  /// Mail from <> and to senders of ours that are no more is dropped, traced and counted. An error is the
  /// database's: nothing was sent, try again.
  Task<Result<void>> send(Uuid token, smtp::DsnAction action, bool expired, std::vector<ReportLine> lines);

 private:
  Task<Result<std::string>> original(const store::QueueItem& item, Uuid token, bool full);
  static Task<Result<void>> take_original(std::string& bytes, bool& stopped, size_t limit, bool full,
                                          std::string_view piece);
  Task<Result<store::Delivery>> address(const smtp::Mailbox& to, const smtp::DsnMessage& message,
                                        const std::vector<ReportLine>& lines, std::string what);
  Task<Result<void>> drop(const std::vector<ReportLine>& lines, std::string why);

  OutboundContext& context_;
};

}  // namespace dromos::mta
