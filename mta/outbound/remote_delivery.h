// RemoteDelivery: one group of recipients to its destination by SMTP: route, hosts in turn, a verdict for
// each.
#pragma once

#include <vector>

#include "mta/outbound/connections.h"
#include "mta/outbound/context.h"
#include "mta/outbound/router.h"
#include "mta/outbound/scheduler.h"

namespace dromos::mta {

struct Attempt {
  std::vector<SendVerdict> verdicts;  ///< as group.items
  bool unreachable = false;           ///< nobody to talk to: what waits for this destination need not try now
};

class RemoteDelivery {
 public:
  RemoteDelivery(OutboundContext& context, Router& router, Connections& connections)
      : context_(context), router_(router), connections_(connections) {}

  Task<Attempt> deliver(const Group& group);

 private:
  struct Progress;
  Task<Result<OutboundMessage>> message_of(const Group& group, std::vector<SendVerdict>& verdicts);
  Task<Result<bool>> header_is_ascii(QueueId id, Uuid token);
  Task<void> try_connection(SmtpClient& client, const OutboundMessage& message,
                            std::vector<SendVerdict>& verdicts, std::vector<size_t>& open);
  Task<bool> try_idle(const Group& group, const OutboundMessage& message, std::vector<SendVerdict>& verdicts,
                      std::vector<size_t>& open);

  OutboundContext& context_;
  Router& router_;
  Connections& connections_;
};

}  // namespace dromos::mta
