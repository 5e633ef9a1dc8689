// Deliverer: packs the messages of a delivery and hands it to group commit (group_commit.h). Messages over
// kInlineBytes are staged before, outside any lock.
//
// One for each reactor; those of a process may share a GroupCommit. deliver() returns once the commit is
// durable. Not thread-safe; close() before destruction.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "common/db/pool.h"
#include "common/store/blob_store.h"
#include "common/store/delivery.h"
#include "common/store/group_commit.h"

namespace dromos::store {

struct PackedMessage;

class Deliverer {
 public:
  Deliverer(db::Pool& pool, BlobStore& blobs, GroupCommit& commit);
  /// With a group commit of its own.
  Deliverer(db::Pool& pool, BlobStore& blobs, GroupCommit::Options options = {});
  ~Deliverer();

  /// Errors are of the whole call (unavailable, busy, unknown, an SQL error); a target's refusal is in the
  /// result.
  Task<Result<DeliveryResult>> deliver(Delivery delivery, Deadline deadline);
  /// Messages into one mailbox by `reader`, all or nothing, in the place of another one if so given
  /// (mail.append_as_v1). StoreErrc::conflict: the old one is gone.
  Task<Result<DeliveryResult>> append_as(AccountId reader, std::optional<Replaced> replaced,
                                         Delivery delivery, Deadline deadline);
  const GroupCommit::Stats& stats() const { return commit_->stats(); }
  Task<void> close();

 private:
  Task<Result<void>> prepare(Delivery& delivery, PreparedDelivery& prepared, Deadline deadline);
  static Result<void> pack_inline(const BlobSource& source, PackedMessage& packed);
  Task<Result<void>> stage(std::vector<AccountId> accounts, const BlobSource& source, PackedMessage& packed,
                           Deadline deadline);
  Task<Result<void>> stage_queued(const Delivery& delivery, size_t message, const BlobSource& source,
                                  const PackedMessage& packed, Deadline deadline);

  db::Pool& pool_;
  BlobStore& blobs_;
  std::unique_ptr<GroupCommit> own_;
  GroupCommit* commit_;
};

}  // namespace dromos::store
