#include "common/store/delivery_call.h"

#include <algorithm>

#include "common/base/strings.h"

namespace dromos::store {

const db::Statement kDeliver{"store_deliver",
                             "SELECT call_no, earlier, target_no, outcome, account_id, mailbox_id, "
                             "uidvalidity, uid, modseq, before, message_id, thread_id "
                             "FROM mail.deliver_v2($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, "
                             "$14, $15, $16, $17, $18, $19, $20, $21, "
                             "$22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, "
                             "$37, $38, $39, $40, $41, $42, $43, $44, "
                             "$45, $46, $47, $48)"};

namespace {

using Ints = std::vector<int32_t>;
using Longs = std::vector<int64_t>;
using Texts = std::vector<std::string>;
using Views = std::vector<std::string_view>;
using Uuids = std::vector<Uuid>;

struct MessageColumns {
  Ints call, codec, facts_version, text_codec;
  Views hash, header, body, facts, text;
  Longs size, header_size, received;
  std::vector<bool> cut;
  Texts keys;
  Uuids trace;

  void add(int32_t call_no, const NewMessage& message, const PackedMessage& packed) {
    call.push_back(call_no);
    hash.push_back(as_view(packed.hash));
    size.push_back(static_cast<int64_t>(packed.size));
    header_size.push_back(static_cast<int64_t>(packed.header_size));
    codec.push_back(kCodecZstd);
    header.push_back(packed.header);
    body.push_back(packed.body);
    facts.push_back(message.facts);
    facts_version.push_back(message.facts_version);
    text.push_back(packed.text);
    text_codec.push_back(kCodecZstd);
    cut.push_back(message.text_truncated);
    keys.push_back(packed.keys);
    received.push_back(message.received_us);
    trace.push_back(message.trace.value);
  }
  void fill(db::Params& params) const {
    params.add_array(call).add_bytes_view_array(hash).add_array(size).add_array(header_size).add_array(codec);
    params.add_bytes_view_array(header).add_bytes_view_array(body).add_bytes_view_array(facts).add_array(
        facts_version);
    params.add_bytes_view_array(text).add_array(text_codec).add_bool_array(cut).add_array(keys);
    params.add_time_us_array(received).add_array(trace);
  }
};

/// As PostgreSQL reads text[]: {"INBOX","a \"b\""}.
std::string array_text(const std::vector<std::string>& names) {
  std::string text = "{";
  for (const std::string& name : names) {
    if (text.size() > 1) text += ',';
    text += '"';
    for (const char c : name) {
      if (c == '"' || c == '\\') text += '\\';
      text += c;
    }
    text += '"';
  }
  return text + '}';
}

struct TargetColumns {
  Ints message, flags;
  Longs account, mailbox;
  Texts role, keywords;
  Uuids id;

  void add(int32_t base, const LocalTarget& target) {
    message.push_back(base + static_cast<int32_t>(target.message));
    account.push_back(target.account.value);
    mailbox.push_back(target.mailbox.value);
    role.push_back(target.path.empty() ? target.role : array_text(target.path));
    id.push_back(target.id.value);
    flags.push_back(target.flags.flags);
    keywords.push_back(join(target.flags.keywords, " "));
  }
  void fill(db::Params& params) const {
    params.add_array(message).add_array(account).add_array(mailbox).add_array(role).add_array(id).add_array(
        flags);
    params.add_array(keywords);
  }
};

struct QueueColumns {
  Ints message, queue;
  Uuids id, body;
  Texts sender, options, address, domain, transport, recipient_options;
  Longs account, expires, due;

  void add(int32_t base, const QueueTarget& target) {
    message.push_back(base + static_cast<int32_t>(target.message));
    id.push_back(target.id.value);
    body.push_back(target.body);
    sender.push_back(target.sender);
    account.push_back(target.account.value);
    expires.push_back(target.expires_us);
    options.push_back(target.options);
    for (const QueueRecipient& recipient : target.recipients) {
      queue.push_back(static_cast<int32_t>(id.size()));
      address.push_back(recipient.address);
      domain.push_back(recipient.domain);
      transport.push_back(recipient.transport);
      due.push_back(recipient.due_us);
      recipient_options.push_back(recipient.options);
    }
  }
  void fill(db::Params& params) const {
    params.add_array(message).add_array(id).add_array(body).add_array(sender).add_array(account);
    params.add_time_us_array(expires).add_array(options);
    params.add_array(queue).add_array(address).add_array(domain).add_array(transport).add_time_us_array(due);
    params.add_array(recipient_options);
  }
};

struct TraceColumns {
  Ints call, code;
  Uuids trace;
  Texts daemon, event, sender, recipient, detail;
  Longs account;

  void add(int32_t call_no, const TraceEvent& row) {
    call.push_back(call_no);
    trace.push_back(row.trace.value);
    daemon.push_back(row.daemon);
    event.push_back(row.event);
    sender.push_back(row.sender);
    recipient.push_back(row.recipient);
    account.push_back(row.account.value);
    code.push_back(row.code);
    detail.push_back(row.detail);
  }
  void fill(db::Params& params) const {
    params.add_array(call).add_array(trace).add_array(daemon).add_array(event).add_array(sender).add_array(
        recipient);
    params.add_array(account).add_array(code).add_array(detail);
  }
};

/// Two messages of one account with a thread key in common: they must be placed one after the other.
bool related(std::span<const PreparedDelivery* const> batch) {
  struct Key {
    int64_t account;
    int64_t key;
    const void* message;
    auto operator<=>(const Key&) const = default;
  };
  std::vector<Key> keys;
  for (const PreparedDelivery* call : batch)
    for (const LocalTarget& target : call->delivery->targets) {
      const NewMessage& message = call->delivery->messages[target.message];
      for (const int64_t key : message.thread_keys) keys.push_back({target.account.value, key, &message});
    }
  std::sort(keys.begin(), keys.end());
  return std::adjacent_find(keys.begin(), keys.end(), [](const Key& a, const Key& b) {
           return a.account == b.account && a.key == b.key && a.message != b.message;
         }) != keys.end();
}

}  // namespace

db::Params deliver_params(bool wait, std::span<const PreparedDelivery* const> batch) {
  db::Params params;
  add_deliver_params(params, wait, batch);
  return params;
}

void add_deliver_params(db::Params& params, bool wait, std::span<const PreparedDelivery* const> batch) {
  Uuids ids;
  Ints modes;
  MessageColumns messages;
  TargetColumns targets;
  QueueColumns queue;
  TraceColumns trace;
  for (const PreparedDelivery* call : batch) {
    const Delivery& delivery = *call->delivery;
    const auto base = static_cast<int32_t>(messages.call.size()) + 1;
    ids.push_back(delivery.id.value);
    const auto call_no = static_cast<int32_t>(ids.size());
    modes.push_back((delivery.atomic ? 1 : 0) | (delivery.strict_mailbox ? 2 : 0));
    for (size_t i = 0; i < delivery.messages.size(); ++i)
      messages.add(call_no, delivery.messages[i], call->packed[i]);
    for (const LocalTarget& target : delivery.targets) targets.add(base, target);
    for (const QueueTarget& target : delivery.queue) queue.add(base, target);
    for (const TraceEvent& row : delivery.trace) trace.add(call_no, row);
  }
  params.add(wait).add(related(batch)).add_array(ids).add_array(modes);
  messages.fill(params);
  targets.fill(params);
  queue.fill(params);
  trace.fill(params);
}

std::vector<DeliveryResult> deliver_results(const db::Rows& rows,
                                            std::span<const PreparedDelivery* const> batch) {
  std::vector<DeliveryResult> results(batch.size());
  std::vector<TargetResult*> targets;
  for (size_t i = 0; i < batch.size(); ++i) {
    results[i].targets.resize(batch[i]->delivery->targets.size());
    for (size_t at = 0; at < results[i].targets.size(); ++at) {
      TargetResult& target = results[i].targets[at];
      const PackedMessage& packed = batch[i]->packed[batch[i]->delivery->targets[at].message];
      target.blob = packed.hash;
      target.size = packed.size;
      targets.push_back(&target);
    }
  }
  for (size_t row = 0; row < rows.size(); ++row) {
    DeliveryResult& result = results[static_cast<size_t>(rows.integer(row, 0)) - 1];
    result.earlier = rows.boolean(row, 1);
    const auto number = static_cast<size_t>(rows.integer(row, 2));
    if (number == 0 || number > targets.size()) continue;
    TargetResult& target = *targets[number - 1];
    target.outcome = static_cast<Outcome>(rows.integer(row, 3));
    target.account = rows.id<AccountId>(row, 4);
    if (target.outcome != Outcome::stored) continue;
    target.mailbox = rows.id<MailboxId>(row, 5);
    target.uidvalidity = static_cast<uint32_t>(rows.integer(row, 6));
    target.uid = static_cast<uint32_t>(rows.integer(row, 7));
    target.modseq = rows.integer(row, 8);
    target.before = rows.maybe_integer(row, 9).value_or(0);
    target.id = rows.id<MessageId>(row, 10);
    target.thread = rows.id<ThreadId>(row, 11);
  }
  return results;
}

}  // namespace dromos::store
