// Delivery: one call of mail.deliver_v2, as plain data: messages, local targets, queue rows and trace, all in
// one commit.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/base/ids.h"
#include "common/store/blob_store.h"
#include "common/store/types.h"

namespace dromos::store {

/// A message as it is stored. Facts and text are made by common/mime; the store does not look into them.
struct NewMessage {
  /// The raw bytes: small ones here, large ones may stay in a source (a spooled file) that outlives the call.
  std::string raw;
  std::shared_ptr<const BlobSource> source;
  /// Up to and with the empty line; makes the header its own chunk.
  uint64_t header_size = 0;
  std::string facts;
  int32_t facts_version = 0;
  /// Case-folded extract for substring search; compressed by the store.
  std::string text;
  bool text_truncated = false;
  /// Hashes of Message-ID and references with the base subject, best parent first, the own id last.
  std::vector<int64_t> thread_keys;
  int64_t received_us = 0;
  TraceId trace;
};

/// Where a message goes. `id` is made before the first try; two mailboxes of one account share it.
struct LocalTarget {
  size_t message = 0;  ///< index into Delivery::messages
  AccountId account;
  /// 0: the mailbox with special use `role`; neither there: INBOX, or no_mailbox when the delivery is strict.
  MailboxId mailbox;
  std::string role = "inbox";
  /// If not empty, instead of `mailbox` and `role`: the mailbox of these names from the root on.
  std::vector<std::string> path;
  MessageId id;
  FlagSet flags;
};

struct QueueRecipient {
  std::string address;
  std::string domain;
  std::string transport = "smtp";  ///< smtp, local, lmtp, relay
  int64_t due_us = 0;              ///< in the past: now
  std::string options = "{}";      ///< JSON, mta's
};

struct QueueTarget {
  size_t message = 0;
  QueueId id;
  /// Shared by queue rows of the same bytes.
  Uuid body;
  std::string sender;  ///< "" is <>
  AccountId account;   ///< who submitted, 0: nobody
  int64_t expires_us = 0;
  std::string options = "{}";
  std::vector<QueueRecipient> recipients;
};

struct TraceEvent {
  TraceId trace;
  std::string daemon;
  std::string event;
  std::string sender;
  std::string recipient;
  AccountId account;
  int32_t code = 0;
  std::string detail = "{}";  ///< JSON
};

struct Delivery {
  DeliveryId id;
  /// One failing target and nothing is stored (SMTP, APPEND); otherwise each target for itself (LMTP).
  bool atomic = true;
  bool strict_mailbox = false;
  std::vector<NewMessage> messages;
  std::vector<LocalTarget> targets;
  std::vector<QueueTarget> queue;
  std::vector<TraceEvent> trace;
};

/// A message that goes in the same transaction, whatever its flags (REPLACE).
struct Replaced {
  AccountId account;
  MailboxId mailbox;
  uint32_t uid = 0;
};

enum class Outcome {
  stored = 0,
  over_quota = 1,
  no_account = 2,
  no_mailbox = 3,
  busy = 4,  ///< never seen by callers of Deliverer
  blob_gone = 5,
  skipped = 6,  ///< another target of an atomic delivery failed
};

struct TargetResult {
  Outcome outcome = Outcome::skipped;
  AccountId account;
  MailboxId mailbox;
  uint32_t uidvalidity = 0;
  uint32_t uid = 0;
  int64_t modseq = 0;
  int64_t before = 0;  ///< the mailbox's highestmodseq until then; 0: not told
  MessageId id;
  ThreadId thread;
  BlobHash blob{};
  uint64_t size = 0;
};

struct DeliveryResult {
  /// An earlier try of this delivery had committed; this is what it gave.
  bool earlier = false;
  /// As Delivery::targets.
  std::vector<TargetResult> targets;

  bool all_stored() const {
    for (const TargetResult& target : targets)
      if (target.outcome != Outcome::stored) return false;
    return true;
  }
  std::vector<Change> changes() const {
    std::vector<Change> list;
    for (const TargetResult& target : targets)
      if (target.outcome == Outcome::stored) list.push_back({target.account, target.modseq});
    return list;
  }
};

/// A delivery that was stored just now, and what became of its targets.
struct Stored {
  const Delivery& delivery;
  const DeliveryResult& result;
};
/// All that one transaction has stored.
using OnStored = std::function<void(std::span<const Stored>)>;

}  // namespace dromos::store
