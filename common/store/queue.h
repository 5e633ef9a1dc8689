// The queue: leases of due recipients, their results, the operator's hand. Rows are put in by Deliverer.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/db/pool.h"
#include "common/store/delivery.h"

namespace dromos::store {

struct QueueItem {
  QueueId id;
  int32_t recipient_no = 0;
  std::string address;
  std::string domain;
  std::string transport;
  int32_t attempts = 0;  ///< with this one
  std::string recipient_options;
  Uuid body;
  TraceId trace;
  std::string sender;
  AccountId account;
  int64_t size = 0;
  int64_t created_us = 0;
  int64_t expires_us = 0;
  std::string message_options;
  int64_t lease_until_us = 0;
};

struct QueueKey {
  QueueId id;
  int32_t recipient_no = 0;
};

enum class QueueAction { done, retry, hold };

struct QueueResult {
  QueueKey key;
  QueueAction action = QueueAction::done;
  int64_t due_us = 0;  ///< for retry
  int32_t code = 0;
  std::string reply;
  std::string options;  ///< JSON merged into the recipient's, "" for none
};

/// A row as operators see it.
struct QueueEntry {
  QueueItem item;
  std::string state;  ///< due, held
  int64_t due_us = 0;
  std::optional<int64_t> leased_until_us;
  std::optional<int64_t> last_us;
  int32_t last_code = 0;
  std::string last_reply;
};

struct QueueFilter {
  std::string domain;  ///< "" matches all
  std::string sender;
  std::string address;
  std::string state;
  QueueKey after;
  int32_t limit = 100;
};

struct QueueStat {
  std::string transport;
  std::string state;
  int64_t recipients = 0;
  int64_t due = 0;
  int64_t oldest_us = 0;
};

class Queue {
 public:
  explicit Queue(db::Pool& pool) : pool_(pool) {}

  /// Leases at most `limit` due recipients under `token`, ordered by domain. A lease that runs out is due
  /// again.
  Task<Result<std::vector<QueueItem>>> claim(Uuid token, std::vector<std::string> transports, int32_t limit,
                                             milliseconds lease, Deadline deadline);
  /// Raw bytes of a leased message in pieces.
  Task<Result<void>> body(QueueId id, Uuid token,
                          std::function<Task<Result<void>>(std::string_view)> on_piece, Deadline deadline);
  /// True if every lease is still ours and has been prolonged: call before the final dot.
  Task<Result<bool>> renew(Uuid token, std::vector<QueueKey> keys, milliseconds lease, Deadline deadline);
  /// Writes results; StoreErrc::not_found and no effect if a lease is lost.
  Task<Result<void>> finish(Uuid token, std::vector<QueueResult> results, Deadline deadline);
  Task<Result<std::optional<int64_t>>> next_due_us(Deadline deadline);
  /// Stages the bytes of an account's message as a queue body (JMAP submission); returns the size.
  Task<Result<int64_t>> body_from_message(AccountId account, MessageId id, Uuid body, Deadline deadline);

  Task<Result<std::vector<QueueEntry>>> list(QueueFilter filter, Deadline deadline);
  Task<Result<std::vector<QueueEntry>>> show(QueueId id, Deadline deadline);
  /// action: retry, hold, release, delete; no recipient: all of them. Returns how many were changed.
  Task<Result<int64_t>> control(QueueId id, std::optional<int32_t> recipient_no, std::string action,
                                Deadline deadline);
  Task<Result<std::vector<QueueStat>>> stats(Deadline deadline);

 private:
  db::Pool& pool_;
};

}  // namespace dromos::store
