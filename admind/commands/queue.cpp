// The outbound queue: what waits, why, and the operator's hand on it. A row is one recipient of a message.
#include "admind/commands/common.h"
#include "admind/service/services.h"
#include "common/base/strings.h"
#include "common/log/log.h"
#include "dromos/queue/v1/queue.pb.h"

namespace dromos::admind {

namespace {

json to_json(const store::QueueEntry& entry) {
  return {{"id", to_text(entry.item.id)},
          {"recipient_no", entry.item.recipient_no},
          {"recipient", entry.item.address},
          {"domain", entry.item.domain},
          {"sender", entry.item.sender},
          {"transport", entry.item.transport},
          {"state", entry.state},
          {"attempts", entry.item.attempts},
          {"due_at", to_rfc3339(entry.due_us)},
          {"leased_until", time_or_null(entry.leased_until_us)},
          {"last_attempt_at", time_or_null(entry.last_us)},
          {"last_code", entry.last_code},
          {"last_reply", clean_utf8(entry.last_reply)},
          {"size", entry.item.size},
          {"created_at", to_rfc3339(entry.item.created_us)},
          {"expires_at", to_rfc3339(entry.item.expires_us)},
          {"trace_id", to_text(entry.item.trace)}};
}

Result<QueueId> id_named(const std::string& given) {
  if (const auto id = parse_queue_id(given)) return *id;
  return fail(Errc::not_found, "no such message in the queue: " + given);
}

// "Q...:3", as given out.
Result<store::QueueKey> parse_key(const std::string& after) {
  if (after.empty()) return store::QueueKey{{}, -1};
  const auto parts = split(after, ':');
  const auto id = parts.size() == 2 ? parse_queue_id(parts[0]) : std::nullopt;
  const auto number = parts.size() == 2 ? parse_number<int32_t>(parts[1]) : std::nullopt;
  if (!id || !number) return fail(Errc::invalid_argument, "?after must be the `next` of an earlier page");
  return store::QueueKey{*id, *number};
}

Task<Result<Reply>> list_queue(Call& call) {
  const Page page = page_of(call);
  store::QueueFilter filter;
  filter.domain = to_lower(call.word("domain"));
  filter.sender = call.word("sender");
  filter.address = call.word("recipient");
  filter.state = call.word("state");
  CO_TRY(filter.after, parse_key(page.after));
  filter.limit = page.limit + 1;
  CO_TRY(auto rows, co_await call.services.queue.list(std::move(filter), call.deadline));
  co_return paged(
      std::move(rows), page, [](const auto& row) { return to_json(row); },
      [](const auto& row) { return to_text(row.item.id) + ":" + std::to_string(row.item.recipient_no); });
}

Task<Result<Reply>> queue_stats(Call& call) {
  CO_TRY(const auto stats, co_await call.services.queue.stats(call.deadline));
  json items = json::array();
  for (const auto& stat : stats)
    items.push_back({{"transport", stat.transport},
                     {"state", stat.state},
                     {"recipients", stat.recipients},
                     {"due", stat.due},
                     {"oldest_at", to_rfc3339(stat.oldest_us)}});
  co_return whole(std::move(items));
}

Task<Result<Reply>> show_message(Call& call) {
  CO_TRY(const QueueId id, id_named(call.path("id")));
  CO_TRY(const auto rows, co_await call.services.queue.show(id, call.deadline));
  if (rows.empty()) co_return fail(Errc::not_found, "no such message in the queue: " + call.path("id"));
  json items = json::array();
  for (const auto& row : rows) items.push_back(to_json(row));
  co_return Reply{{{"id", to_text(id)}, {"recipients", std::move(items)}}, {}};
}

// A hint: without it mta looks at its next poll.
Task<void> wake_mta(Services& services) {
  auto woken = co_await services.peer(config::Daemon::mta)
                   .call<queue::v1::WakeResponse>("/dromos.queue.v1.Queue/Wake", queue::v1::WakeRequest(),
                                                  Deadline::after(milliseconds(500)));
  if (!woken) log::debug("queue.wake_missed", {{"err", woken.error()}});
}

Task<Result<Reply>> control(Call& call, std::string action) {
  CO_TRY(const QueueId id, id_named(call.path("id")));
  std::optional<int32_t> recipient;
  if (const auto number = call.maybe<int64_t>("recipient_no")) recipient = static_cast<int32_t>(*number);
  if (call.query.contains("recipient_no")) recipient = call.query["recipient_no"].get<int32_t>();
  CO_TRY(const int64_t changed, co_await call.services.queue.control(id, recipient, action, call.deadline));
  if (changed == 0) co_return fail(Errc::not_found, "the message has no such recipient");
  if (action == "retry" || action == "release") co_await wake_mta(call.services);
  co_return Reply{{{"changed", changed}}, {}};
}

Task<Result<Reply>> retry_message(Call& call) {
  return control(call, "retry");
}
Task<Result<Reply>> hold_message(Call& call) {
  return control(call, "hold");
}
Task<Result<Reply>> release_message(Call& call) {
  return control(call, "release");
}
Task<Result<Reply>> delete_message(Call& call) {
  return control(call, "delete");
}

std::vector<Field> recipient_fields() {
  return {text("id", "of the message").need(),
          integer("recipient_no", "of this recipient").need(),
          text("recipient", "address").need(),
          text("domain", "its domain").need(),
          text("sender", "envelope sender").need(),
          text("transport", "how it goes").need(),
          text("state", "due or held").need(),
          integer("attempts", "so far").need(),
          time("due_at", "next attempt").need(),
          time("leased_until", "an mta is at it until then").need().or_null(),
          time("last_attempt_at", "when it was last tried").need().or_null(),
          integer("last_code", "SMTP reply; 0: none").need(),
          text("last_reply", "what the other side said").need(),
          integer("size", "bytes").need(),
          time("created_at", "when it was queued").need(),
          time("expires_at", "when it is given up").need(),
          text("trace_id", "X and base32").need()};
}

Resource make() {
  Resource out{"queue", "Mail on its way out.", {}, {}};
  out.schemas = {{"QueuedRecipient", "One recipient of a message that waits.", recipient_fields()},
                 {"QueuedMessage",
                  "A message that waits.",
                  {text("id", "Q and base32").need(),
                   objects("recipients", "QueuedRecipient", "who has not got it yet").need()}},
                 {"QueueStat",
                  "How many wait.",
                  {text("transport", "how they go").need(), text("state", "due or held").need(),
                   integer("recipients", "how many").need(), integer("due", "of these, due now").need(),
                   time("oldest_at", "when the oldest was queued").need()}},
                 {"QueueChange", "What was done.", {integer("changed", "how many recipients").need()}}};
  const Field number = integer("recipient_no", "only this recipient").within(0, 1'000'000);
  auto& ops = out.operations;
  ops.push_back({.id = "listQueue",
                 .path = "/queue",
                 .scope = "queue:read",
                 .command = "queue list",
                 .summary = "List recipients that wait, oldest message first",
                 .query = page_fields({text("domain", "of the recipient").within(1, 253),
                                       text("sender", "envelope sender").within(1, 320),
                                       text("recipient", "address").within(1, 320),
                                       text("state", "due or held").one_of({"due", "held"})}),
                 .response = "QueuedRecipient",
                 .list = true,
                 .run = list_queue});
  ops.push_back({.id = "queueStats",
                 .path = "/queue/stats",
                 .scope = "queue:read",
                 .command = "queue stats",
                 .summary = "Count what waits",
                 .response = "QueueStat",
                 .list = true,
                 .run = queue_stats});
  ops.push_back({.id = "showQueued",
                 .path = "/queue/{id}",
                 .scope = "queue:read",
                 .command = "queue show ID",
                 .summary = "Show a message that waits",
                 .response = "QueuedMessage",
                 .problems = {404},
                 .run = show_message});
  struct Act {
    const char* id;
    const char* verb;
    const char* summary;
    Run run;
  };
  for (const Act& act : {Act{"retryQueued", "retry", "Try again now", retry_message},
                         Act{"holdQueued", "hold", "Keep it back until it is released", hold_message},
                         Act{"releaseQueued", "release", "End a hold; due now", release_message}})
    ops.push_back({.id = act.id,
                   .method = http::Method::post,
                   .path = std::string("/queue/{id}/") + act.verb,
                   .scope = "queue:write",
                   .command = std::string("queue ") + act.verb + " ID",
                   .summary = act.summary,
                   .body = {number},
                   .response = "QueueChange",
                   .problems = {404},
                   .run = act.run,
                   .announces = false});
  ops.push_back({.id = "deleteQueued",
                 .method = http::Method::delete_,
                 .path = "/queue/{id}",
                 .scope = "queue:write",
                 .command = "queue delete ID",
                 .summary = "Throw it away without telling the sender",
                 .query = {number},
                 .response = "QueueChange",
                 .problems = {404},
                 .run = delete_message,
                 .announces = false});
  return out;
}

}  // namespace

Resource queue() {
  return make();
}

}  // namespace dromos::admind
