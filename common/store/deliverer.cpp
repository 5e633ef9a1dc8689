#include "common/store/deliverer.h"

#include <algorithm>

#include "common/store/delivery_call.h"
#include "common/store/errc.h"
#include "common/store/queue_body.h"
#include "common/store/write.h"

namespace dromos::store {
namespace {

const db::Statement kAppendAs{
    "store_append_as",
    "SELECT call_no, earlier, target_no, outcome, account_id, mailbox_id, uidvalidity, uid, modseq, "
    "NULL::bigint, message_id, thread_id FROM mail.append_as_v1("
    "$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, "
    "$21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, "
    "$39, $40, $41, $42, $43, $44, $45, $46, $47, $48, $49, $50, $51, $52"
    ")"};

std::vector<AccountId> accounts_of(const Delivery& delivery, size_t message) {
  std::vector<AccountId> accounts;
  for (const LocalTarget& target : delivery.targets)
    if (target.message == message) accounts.push_back(target.account);
  std::sort(accounts.begin(), accounts.end());
  accounts.erase(std::unique(accounts.begin(), accounts.end()), accounts.end());
  return accounts;
}

}  // namespace

Deliverer::Deliverer(db::Pool& pool, BlobStore& blobs, GroupCommit& commit)
    : pool_(pool), blobs_(blobs), commit_(&commit) {}

Deliverer::Deliverer(db::Pool& pool, BlobStore& blobs, GroupCommit::Options options)
    : pool_(pool), blobs_(blobs), own_(std::make_unique<GroupCommit>(pool, options)), commit_(own_.get()) {}

Deliverer::~Deliverer() = default;

Task<void> Deliverer::close() {
  if (own_) co_await own_->close();
}

/// Small messages travel within the call.
Result<void> Deliverer::pack_inline(const BlobSource& source, PackedMessage& packed) {
  TRY(const std::string raw, source.read(0, packed.size));
  packed.hash = crypto::sha256(raw);
  packed.header = pack(std::string_view(raw).substr(0, packed.header_size));
  packed.body = pack(std::string_view(raw).substr(packed.header_size));
  return {};
}

/// The bytes of others are put down first, for each account.
Task<Result<void>> Deliverer::stage(std::vector<AccountId> accounts, const BlobSource& source,
                                    PackedMessage& packed, Deadline deadline) {
  auto staged = co_await blobs_.stage(std::move(accounts), source, packed.header_size, deadline);
  // An account without mail is an outcome of its target, found by deliver_v2.
  if (!staged && !staged.error().is(StoreErrc::not_found)) co_return Unexpected(std::move(staged).error());
  if (staged) packed.hash = staged->hash;
  co_return Result<void>{};
}

/// And so is what the queue will send.
Task<Result<void>> Deliverer::stage_queued(const Delivery& delivery, size_t message, const BlobSource& source,
                                           const PackedMessage& packed, Deadline deadline) {
  for (const QueueTarget& target : delivery.queue) {
    if (target.message != message) continue;
    CO_TRY_VOID(co_await stage_queue_body(pool_, target.body, source, packed.header_size, deadline));
  }
  co_return Result<void>{};
}

Task<Result<void>> Deliverer::prepare(Delivery& delivery, PreparedDelivery& prepared, Deadline deadline) {
  prepared.delivery = &delivery;
  for (size_t i = 0; i < delivery.messages.size(); ++i) {
    NewMessage& message = delivery.messages[i];
    PackedMessage packed;
    std::shared_ptr<const BlobSource> source = message.source;
    if (source == nullptr) source = std::make_shared<StringSource>(message.raw);
    packed.size = source->size();
    packed.header_size = std::min(message.header_size, packed.size);
    if (packed.size <= kInlineBytes && blobs_.takes_inline()) {
      CO_TRY_VOID(pack_inline(*source, packed));
    } else {
      CO_TRY_VOID(co_await stage_queued(delivery, i, *source, packed, deadline));
      std::vector<AccountId> accounts = accounts_of(delivery, i);
      if (accounts.empty()) {
        packed.hash = hash_of(*source);
      } else {
        CO_TRY_VOID(co_await stage(std::move(accounts), *source, packed, deadline));
      }
    }
    if (!message.text.empty()) packed.text = pack(message.text);
    for (int64_t key : message.thread_keys) {
      if (!packed.keys.empty()) packed.keys += ' ';
      packed.keys += std::to_string(key);
    }
    message.text.clear();
    prepared.bytes += packed.header.size() + packed.body.size() + packed.text.size() + packed.keys.size() +
                      message.facts.size() + 256;
    prepared.packed.push_back(std::move(packed));
  }
  prepared.bytes += 128 * delivery.targets.size();
  co_return Result<void>{};
}

Task<Result<DeliveryResult>> Deliverer::deliver(Delivery delivery, Deadline deadline) {
  for (const LocalTarget& target : delivery.targets) DROMOS_ASSERT(target.message < delivery.messages.size());
  for (const QueueTarget& target : delivery.queue) DROMOS_ASSERT(target.message < delivery.messages.size());
  PreparedDelivery prepared;
  auto ready = co_await prepare(delivery, prepared, deadline);
  if (!ready) co_return Unexpected(mapped(std::move(ready).error()));
  co_return co_await commit_->commit(prepared, deadline);
}

Task<Result<DeliveryResult>> Deliverer::append_as(AccountId reader, std::optional<Replaced> replaced,
                                                  Delivery delivery, Deadline deadline) {
  for (const LocalTarget& target : delivery.targets)
    DROMOS_ASSERT(target.message < delivery.messages.size() &&
                  target.account == delivery.targets.front().account &&
                  target.mailbox == delivery.targets.front().mailbox);
  DROMOS_ASSERT(delivery.queue.empty());
  PreparedDelivery prepared;
  auto ready = co_await prepare(delivery, prepared, deadline);
  if (!ready) co_return Unexpected(mapped(std::move(ready).error()));
  const PreparedDelivery* const batch[] = {&prepared};
  auto params = [&batch, reader, replaced] {
    std::optional<int64_t> account, mailbox, uid;
    if (replaced) {
      account = replaced->account.value;
      mailbox = replaced->mailbox.value;
      uid = replaced->uid;
    }
    db::Params made;
    made.add(reader).add(account).add(mailbox).add(uid);
    add_deliver_params(made, true, batch);
    return made;
  };
  CO_TRY(const auto rows, co_await write_by_id(pool_, kAppendAs, params, deadline));
  co_return std::move(deliver_results(rows, batch).front());
}

}  // namespace dromos::store
