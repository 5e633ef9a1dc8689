#include "jmapd/service/email_store.h"

#include <algorithm>

#include "common/async/offload.h"
#include "common/mime/facts.h"
#include "common/mime/text.h"
#include "common/mime/thread_keys.h"

namespace dromos::jmapd {
namespace {

constexpr size_t kParseInline = 64 * 1024;

struct Prepared {
  store::NewMessage message;
  bool has_fields = false;
};

Prepared prepare(std::string raw, int64_t received_us) {
  const mime::Facts facts = mime::build_facts(raw);
  Prepared out;
  out.has_fields = is_message(raw, facts);
  out.message.header_size = facts.tree.root().body_begin;
  out.message.facts = mime::encode_facts(facts);
  out.message.facts_version = mime::kFactsParser;
  out.message.text = mime::search_text(raw, facts, &out.message.text_truncated);
  out.message.thread_keys = mime::thread_keys(facts);
  out.message.received_us = received_us;
  out.message.trace = TraceId::make();
  out.message.raw = std::move(raw);
  return out;
}

tl::unexpected<MethodError> refusal(store::Outcome outcome) {
  switch (outcome) {
    case store::Outcome::over_quota:
      return refuse("overQuota");
    case store::Outcome::no_mailbox:
    case store::Outcome::no_account:
      return invalid_property("mailboxIds", "no such mailbox");
    default:
      return refuse("serverUnavailable", "not stored");
  }
}

}  // namespace

bool is_message(std::string_view raw, const mime::Facts& facts) {
  return std::any_of(facts.headers.begin(), facts.headers.end(), [&](const mime::HeaderEntry& field) {
    const bool named = !field.name.empty() && std::all_of(field.name.begin(), field.name.end(),
                                                          [](char c) { return c > 32 && c < 127; });
    return named && raw.substr(field.offset, field.length).find(':') != std::string_view::npos;
  });
}

Task<Outcome<StoredEmail>> store_email(Services& services, AccountId account, NewEmail email,
                                       Deadline deadline) {
  StoredEmail out;
  out.size = email.raw.size();
  out.blob = crypto::sha256(email.raw);
  Prepared prepared;
  if (email.raw.size() <= kParseInline) {
    prepared = prepare(std::move(email.raw), email.received_us);
  } else {
    auto work = [raw = std::move(email.raw), at = email.received_us]() mutable {
      return prepare(std::move(raw), at);
    };
    prepared = co_await offload(std::move(work));
  }
  if (!prepared.has_fields) co_return refuse("invalidEmail", "this is no message");
  store::Delivery delivery;
  delivery.id = DeliveryId::make();
  delivery.strict_mailbox = true;
  out.id = MessageId::make();
  for (const MailboxId mailbox : email.mailboxes) {
    store::LocalTarget target;
    target.account = account;
    target.mailbox = mailbox;
    target.role.clear();
    target.id = out.id;
    target.flags = flags_of(email.keywords);
    delivery.targets.push_back(std::move(target));
  }
  delivery.messages.push_back(std::move(prepared.message));
  JM_TRY(const store::DeliveryResult result,
         co_await services.deliverer.deliver(std::move(delivery), deadline));
  for (const store::TargetResult& target : result.targets)
    if (target.outcome != store::Outcome::stored && target.outcome != store::Outcome::skipped)
      co_return refusal(target.outcome);
  if (!result.all_stored() || result.targets.empty()) co_return refuse("serverUnavailable", "not stored");
  out.id = result.targets.front().id;
  out.thread = result.targets.front().thread;
  services.shared.publish(result.changes());
  co_return out;
}

}  // namespace dromos::jmapd
