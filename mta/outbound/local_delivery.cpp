#include "mta/outbound/local_delivery.h"

#include "common/async/task_group.h"
#include "common/smtp/trace.h"
#include "common/store/blob_store.h"
#include "common/store/deliverer.h"
#include "mta/outbound/bounce.h"

namespace dromos::mta {
namespace {

/// A source that keeps its text alive.
class OwnedSource : public store::BlobSource {
 public:
  explicit OwnedSource(std::string text) : text_(std::move(text)) {}
  uint64_t size() const override { return text_.size(); }
  Result<std::string> read(uint64_t offset, size_t length) const override {
    return text_.substr(offset, length);
  }

 private:
  const std::string text_;
};

SendVerdict verdict_of(const store::TargetResult& target) {
  switch (target.outcome) {
    case store::Outcome::stored: {
      SendVerdict verdict;
      verdict.fate = Fate::delivered;
      verdict.code = 250;
      verdict.status = "2.0.0";
      verdict.diagnostic = "250 2.0.0 Delivered";
      return verdict;
    }
    case store::Outcome::no_account:
      return own_verdict("5.1.1", "No such mailbox");
    case store::Outcome::over_quota:
      return own_verdict("4.2.2", "Mailbox is full");
    default:
      return own_verdict("4.3.0", "Mailbox cannot be written now");
  }
}

}  // namespace

Task<Result<void>> LocalDelivery::append(std::string* bytes, std::string_view piece) {
  bytes->append(piece);
  co_return Result<void>{};
}

Task<Result<std::string>> LocalDelivery::read(const Group& group) {
  const store::QueueItem& first = group.first();
  std::optional<smtp::Mailbox> sender;
  if (auto parsed = smtp::parse_mailbox(first.sender)) sender = std::move(*parsed);
  std::string bytes = smtp::return_path_header(sender);
  bytes.reserve(bytes.size() + static_cast<size_t>(first.size));
  std::function<Task<Result<void>>(std::string_view)> on_piece = [&bytes](std::string_view piece) {
    return append(&bytes, piece);
  };
  CO_TRY_VOID(
      co_await context_.queue.body(first.id, group.token(), on_piece, Deadline::after(kDatabaseWait)));
  co_return bytes;
}

Task<void> LocalDelivery::deliver_one(const LeasedItem& leased, const store::NewMessage& message,
                                      SendVerdict& verdict) {
  const store::QueueItem& item = leased.item;
  const auto options = decode_recipient_options(item.recipient_options);
  if (!options || !options->account) {
    verdict = own_verdict("5.3.5", "Queue row names no account");
    co_return;
  }
  store::Delivery delivery;
  delivery.id = DeliveryId{derived_id(leased.key(), "local")};
  delivery.messages.push_back(message);
  store::LocalTarget target;
  target.account = options->account;
  if (!options->role.empty()) target.role = options->role;
  target.id = MessageId{derived_id(leased.key(), "local-message")};
  delivery.targets.push_back(std::move(target));
  auto done = co_await context_.parts.deliverer.deliver(std::move(delivery), Deadline::after(kDatabaseWait));
  if (!done) {
    verdict = own_verdict("4.3.0", done.error().message());
    co_return;
  }
  verdict = verdict_of(done->targets.at(0));
  if (context_.parts.changed && !done->changes().empty()) context_.parts.changed(done->changes());
}

Task<void> LocalDelivery::work(const Group& group, const store::NewMessage& message,
                               std::vector<SendVerdict>& verdicts, size_t& next) {
  while (next < group.items.size()) {
    const size_t mine = next++;
    if (context_.closing) {
      verdicts[mine].fate = Fate::again;
      continue;
    }
    co_await deliver_one(group.items[mine], message, verdicts[mine]);
  }
}

Task<Attempt> LocalDelivery::deliver(const Group& group) {
  Attempt attempt;
  attempt.verdicts.resize(group.items.size());
  auto raw = co_await read(group);
  if (!raw) {
    for (SendVerdict& verdict : attempt.verdicts)
      verdict = own_verdict("4.3.0", "reading the message: " + raw.error().message());
    co_return attempt;
  }
  store::NewMessage message = context_.parts.make_message(std::move(*raw), group.first().trace);
  if (message.raw.size() > store::kInlineBytes && message.source == nullptr) {
    // Shared by all deliveries of the group instead of copied into each.
    message.source = std::make_shared<OwnedSource>(std::move(message.raw));
    message.raw.clear();
  }
  TaskGroup workers;
  size_t next = 0;
  for (size_t i = 0; i < std::min(kAtOnce, group.items.size()); ++i)
    workers.spawn(work(group, message, attempt.verdicts, next));
  co_await workers.join();
  co_return attempt;
}

}  // namespace dromos::mta
