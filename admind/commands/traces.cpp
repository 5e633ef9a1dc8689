// Message traces: what happened to a message, hop by hop.
#include "admind/commands/common.h"
#include "admind/service/services.h"
#include "common/http/json.h"

namespace dromos::admind {

namespace {

constexpr int64_t kDay = int64_t{86400} * 1'000'000;

json to_json(const store::TraceRow& row, bool with_trace) {
  auto detail = http::parse_json(row.event.detail.empty() ? "{}" : row.event.detail);
  json out{{"at", to_rfc3339(row.at_us)},
           {"daemon", row.event.daemon},
           {"event", row.event.event},
           {"sender", row.event.sender},
           {"recipient", row.event.recipient},
           {"account", row.event.account ? json(to_text(row.event.account)) : json(nullptr)},
           {"code", row.event.code},
           {"detail", detail && detail->is_object() ? std::move(*detail) : json::object()}};
  if (with_trace) out["trace_id"] = to_text(row.event.trace);
  return out;
}

Result<TraceId> trace_named(const std::string& given) {
  if (const auto id = parse_trace_id(given)) return *id;
  if (const auto uuid = Uuid::parse(given)) return TraceId{*uuid};
  return fail(Errc::invalid_argument,
              "\"" + given + "\" is no trace id; give X and base32 as in the 250 reply, or a UUID");
}

Task<Result<Reply>> show_trace(Call& call) {
  CO_TRY(const TraceId trace, trace_named(call.path("trace_id")));
  CO_TRY(const auto rows, co_await call.services.traces.get(trace, call.deadline));
  if (rows.empty())
    co_return fail(Errc::not_found, "no events under this trace id; traces are kept for 30 days");
  json events = json::array();
  for (const auto& row : rows) events.push_back(to_json(row, false));
  co_return Reply{{{"trace_id", to_text(trace)}, {"events", std::move(events)}}, {}};
}

std::string without_brackets(std::string id) {
  if (id.starts_with('<') && id.ends_with('>')) id = id.substr(1, id.size() - 2);
  return id;
}

Task<Result<Reply>> find_traces(Call& call) {
  const Page page = page_of(call);
  store::TraceQuery query;
  query.sender = call.word("sender");
  query.recipient = call.word("recipient");
  query.event = call.word("event");
  query.message_id = without_brackets(call.word("message_id"));
  query.to_us = call.query.value("to", Clock::now_us() + kDay);
  query.from_us = call.query.value("from", query.to_us - 8 * kDay);
  query.limit = page.limit + 1;
  // Newest first: the page after is what is older.
  CO_TRY(const int64_t before, after_number(page));
  if (before != 0) query.to_us = std::min(query.to_us, before);
  CO_TRY(auto rows, co_await call.services.traces.find(std::move(query), call.deadline));
  co_return paged(
      std::move(rows), page, [](const auto& row) { return to_json(row, true); },
      [](const auto& row) { return std::to_string(row.at_us); });
}

std::vector<Field> event_fields() {
  return {time("at", "when").need(),
          text("daemon", "which daemon saw it").need(),
          text("event", "noun.verb").need(),
          text("sender", "envelope sender").need(),
          text("recipient", "one recipient; empty for all").need(),
          text("account", "id of the account it concerns").need().or_null(),
          integer("code", "SMTP reply code; 0: none").need(),
          object("detail", "", "what else is known").need()};
}

Resource make() {
  Resource out{"traces", "What happened to a message, hop by hop.", {}, {}};
  auto found = event_fields();
  found.push_back(text("trace_id", "X and base32").need());
  out.schemas = {{"TraceEvent", "One thing that happened to a message.", event_fields()},
                 {"FoundTraceEvent", "An event, and the trace it belongs to.", std::move(found)},
                 {"Trace",
                  "All events of a message.",
                  {text("trace_id", "X and base32, as in the reply to DATA").need(),
                   objects("events", "TraceEvent", "oldest first").need()}}};
  auto& ops = out.operations;
  ops.push_back(
      {.id = "findTraces",
       .path = "/traces",
       .scope = "traces:read",
       .command = "trace find",
       .summary = "Find events, newest first",
       .query = page_fields(
           {text("sender", "envelope sender").within(1, 320), text("recipient", "recipient").within(1, 320),
            text("event", "such as message.delivered").within(1, 64),
            text("message_id", "all events of the messages with this Message-ID").within(1, 998),
            time("from", "not before; 8 days ago if absent"), time("to", "before")}),
       .response = "FoundTraceEvent",
       .list = true,
       .run = find_traces});
  ops.push_back({.id = "showTrace",
                 .path = "/traces/{trace_id}",
                 .scope = "traces:read",
                 .command = "trace show TRACE_ID",
                 .summary = "Show the trace of a message",
                 .response = "Trace",
                 .problems = {404},
                 .run = show_trace});
  return out;
}

}  // namespace

Resource traces() {
  return make();
}

}  // namespace dromos::admind
