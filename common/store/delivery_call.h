// Internal to the store: the parameters of mail.deliver_v2 for a batch of prepared deliveries, and its
// answer.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "common/db/connection.h"
#include "common/store/blob_store.h"
#include "common/store/delivery.h"

namespace dromos::store {

/// Bytes of one message as they travel: packed, or staged before (header empty).
struct PackedMessage {
  BlobHash hash{};
  uint64_t size = 0;
  uint64_t header_size = 0;
  std::string header;
  std::string body;
  std::string text;
  std::string keys;  ///< thread keys separated by blanks
};

struct PreparedDelivery {
  const Delivery* delivery = nullptr;
  std::vector<PackedMessage> packed;
  size_t bytes = 0;
};

extern const db::Statement kDeliver;

/// Views into the prepared deliveries, which must live until the call was sent.
db::Params deliver_params(bool wait, std::span<const PreparedDelivery* const> batch);
/// The same behind other parameters.
void add_deliver_params(db::Params& params, bool wait, std::span<const PreparedDelivery* const> batch);
/// One result a call, in order. A busy target makes its whole call one that must be tried again.
std::vector<DeliveryResult> deliver_results(const db::Rows& rows,
                                            std::span<const PreparedDelivery* const> batch);

}  // namespace dromos::store
