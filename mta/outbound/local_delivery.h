// LocalDelivery: fan-out of queued mail to mailboxes of ours (transport local: more than 50 local
// recipients). Each recipient is one delivery with an id derived from its queue row, so a crash between
// commit and result delivers nothing twice.
#pragma once

#include "mta/outbound/context.h"
#include "mta/outbound/remote_delivery.h"
#include "mta/outbound/scheduler.h"

namespace dromos::mta {

class LocalDelivery {
 public:
  /// Deliveries of one group in flight together; the Deliverer commits them in batches.
  static constexpr size_t kAtOnce = 16;

  explicit LocalDelivery(OutboundContext& context) : context_(context) {}
  Task<Attempt> deliver(const Group& group);

 private:
  struct Shared;
  Task<Result<std::string>> read(const Group& group);
  static Task<Result<void>> append(std::string* bytes, std::string_view piece);
  Task<void> deliver_one(const LeasedItem& item, const store::NewMessage& message, SendVerdict& verdict);
  Task<void> work(const Group& group, const store::NewMessage& message, std::vector<SendVerdict>& verdicts,
                  size_t& next);

  OutboundContext& context_;
};

}  // namespace dromos::mta
