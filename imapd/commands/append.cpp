#include "imapd/commands/append.h"

#include <algorithm>

#include "common/async/offload.h"
#include "common/base/fault.h"
#include "common/base/strings.h"
#include "common/log/log.h"
#include "common/metrics/metrics.h"
#include "common/mime/facts.h"
#include "common/mime/text.h"
#include "common/mime/thread_keys.h"
#include "common/store/append.h"
#include "common/store/errc.h"
#include "imapd/commands/handlers.h"
#include "imapd/commands/mailbox_names.h"
#include "imapd/protocol/parser.h"

namespace dromos::imapd {
namespace {

constexpr size_t kInlineWork = 32 * 1024;  // larger messages are read off the reactor
constexpr milliseconds kCommitTime{60000};

Reply append_failure(const Error& error) {
  if (error.is(store::StoreErrc::not_found)) return no(code::kTryCreate, "There is no such mailbox");
  return reply_for(error);
}

/// Why the literal cannot be taken, if so.
Task<std::optional<Reply>> objection(Context& context, const AppendHead& head, uint64_t octets) {
  if (context.state == State::not_authenticated) co_return bad("Log in first");
  if (head.replace || head.catenate) co_return bad("Not offered here");
  const uint64_t limit = context.worker.config.limits.append_size.bytes;
  if (octets > limit)
    co_return no(code::kTooBig, "Messages may have at most " + std::to_string(limit) + " octets");
  if (head.message > 0) co_return std::nullopt;
  const auto target = co_await find_mailbox(context, head.mailbox, true, store::kInsert);
  if (!target) co_return append_failure(target.error());
  const auto quota = co_await context.worker.quotas.get(target->account, context.store_deadline());
  if (!quota) co_return append_failure(quota.error());
  if (quota->limit_bytes && quota->used_bytes + static_cast<int64_t>(octets) > *quota->limit_bytes)
    co_return no(code::kOverQuota, "Over quota");
  co_return std::nullopt;
}

store::NewMessage read_message(const std::shared_ptr<Spool>& spool, std::string_view raw) {
  store::NewMessage message;
  mime::Facts facts;
  try {
    facts = mime::build_facts(raw);
    message.text = mime::search_text(raw, facts, &message.text_truncated);
  } catch (const std::exception& e) {
    log::error("message.facts_failed", {{"err", e.what()}, {"bytes", raw.size()}});
    facts = mime::minimal_facts(raw);
    message.text.clear();
  }
  message.facts = mime::encode_facts(facts);
  message.facts_version = mime::kFactsParser;
  message.thread_keys = mime::thread_keys(facts);
  message.header_size = facts.tree.parts.empty() ? 0 : facts.tree.root().body_begin;
  if (spool->in_memory())
    message.raw = std::string(raw);
  else
    message.source = std::make_shared<SpoolSource>(spool);
  return message;
}

store::FlagSet stored_flags(const FlagSet& flags) {
  store::FlagSet out;
  out.flags = flags.system & kSettableFlags;
  for (const std::string& keyword : flags.keywords) out.keywords.push_back(to_lower(keyword));
  std::sort(out.keywords.begin(), out.keywords.end());
  return out;
}

/// RFC 4314 §4: flags that may not be set are left out without an error.
void keep_allowed(store::FlagSet& flags, store::Rights rights) {
  flags.flags &= store::flags_allowed(rights);
  if ((rights & store::kWrite) == 0) flags.keywords.clear();
}

Task<Result<std::vector<store::AppendMessage>>> read_messages(Context& context, const AppendCommand& append) {
  std::vector<store::AppendMessage> messages;
  for (const AppendMessage& given : append.messages) {
    const LiteralData& literal = given.parts.front().literal;
    auto spool = std::make_shared<Spool>();
    if (literal.stream && context.append && *literal.stream < context.append->spools.size())
      spool = context.append->spools[*literal.stream];
    else
      CO_TRY_VOID(spool->write(literal.data));
    CO_TRY(const std::string_view raw, spool->bytes());
    store::AppendMessage message;
    if (raw.size() <= kInlineWork)
      message.message = read_message(spool, raw);
    else
      message.message = co_await offload([spool, raw] { return read_message(spool, raw); });
    message.message.received_us = given.date ? given.date->unix_seconds * 1'000'000 : Clock::now_us();
    message.message.trace = context.trace;
    message.flags = stored_flags(given.flags);
    messages.push_back(std::move(message));
  }
  co_return messages;
}

}  // namespace

Task<void> begin_append_literal(Context& context) {
  if (!context.append) context.append = std::make_unique<AppendJob>();
  AppendJob& job = *context.append;
  const auto head = parse_append_head(context.reader.text_so_far());
  if (!head) {
    job.refusal = bad(head.error().reason);
  } else {
    job.octets += context.reader.head().size;
    job.refusal = co_await objection(context, *head, job.octets);
  }
  if (job.refusal) {
    context.reader.refuse();
    co_return;
  }
  job.spools.push_back(std::make_shared<Spool>());
  context.reader.accept();
}

void take_append_chunk(Context& context, std::string_view octets) {
  AppendJob& job = *context.append;
  if (job.refusal) return;
  if (const auto written = job.spools.back()->write(octets); !written)
    job.refusal = reply_for(written.error());
}

Handled handle_append(Context& context, const Command& command) {
  static metrics::Counter& appended =
      metrics::counter("dromos_imapd_appended_messages_total", "Messages stored by APPEND.");
  const auto& append = command.as<AppendCommand>();
  if (context.append && context.append->refusal) co_return std::move(*context.append->refusal);
  for (const AppendMessage& message : append.messages) {
    if (message.catenate) co_return bad("CATENATE is not offered");
    if (message.parts.front().literal.size == 0) co_return no(code::kCannot, "A message must not be empty");
  }
  auto target = co_await find_mailbox(context, append.mailbox, true, store::kInsert);
  if (!target) co_return append_failure(target.error());
  CO_TRY(auto messages, co_await read_messages(context, append));
  for (store::AppendMessage& message : messages) keep_allowed(message.flags, target->rights);
  const size_t count = messages.size();
  const auto stored =
      co_await store::append(context.worker.deliverer, DeliveryId::make(), target->account,
                             target->mailbox.id, std::move(messages), Deadline::after(kCommitTime));
  if (!stored) co_return append_failure(stored.error());
  fault::hit("imapd.append.after_commit");
  appended.add(count);
  context.worker.changed(stored->change);
  if (context.selected && context.selected->mailbox->id() == target->mailbox.id)
    (void)co_await context.worker.registry.refresh(*context.selected->mailbox, context.store_deadline());
  std::string code = "APPENDUID " + std::to_string(stored->uidvalidity) + " ";
  append_ranges_in_order(code, stored->uids);
  co_return ok("Append completed", std::move(code));
}

}  // namespace dromos::imapd
