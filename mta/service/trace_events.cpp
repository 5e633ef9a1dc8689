#include "mta/service/trace_events.h"

#include <nlohmann/json.hpp>

namespace dromos::mta {
namespace {

using nlohmann::json;

store::TraceEvent event_of(const Envelope& envelope, const char* name, const json& detail) {
  store::TraceEvent event;
  event.trace = envelope.trace;
  event.daemon = "mta";
  event.event = name;
  if (envelope.mail.from) event.sender = envelope.mail.from->shown();
  event.detail = detail.dump(-1, ' ', false, json::error_handler_t::replace);
  return event;
}

}  // namespace

store::TraceEvent received_event(const Envelope& envelope, uint64_t size) {
  json detail{{"remote", envelope.peer.ip},
              {"helo", envelope.peer.helo},
              {"listener", to_string(envelope.kind)},
              {"tls", envelope.peer.tls_version},
              {"recipients", envelope.recipients.size()},
              {"size", size}};
  if (envelope.user) detail["auth"] = envelope.user->login;
  auto event = event_of(envelope, "message.received", detail);
  if (envelope.user) event.account = envelope.user->account;
  if (envelope.recipients.size() == 1) event.recipient = envelope.recipients[0].rcpt.to.shown();
  return event;
}

store::TraceEvent scanned_event(const Envelope& envelope, const Verdict& verdict) {
  json detail{{"verdict", verdict.name}};
  if (verdict.scanned) {
    detail["score"] = verdict.score;
    detail["probability"] = verdict.probability;
    detail["facts"] = verdict.facts;
  }
  return event_of(envelope, "message.scanned", detail);
}

store::TraceEvent delivered_event(const Envelope& envelope, const std::string& recipient, AccountId account,
                                  const std::string& role) {
  auto event = event_of(envelope, "message.delivered", json{{"mailbox", role}});
  event.recipient = recipient;
  event.account = account;
  event.code = 250;
  return event;
}

store::TraceEvent queued_event(const Envelope& envelope, const std::string& recipient,
                               const std::string& address, const std::string& transport, QueueId id) {
  auto event = event_of(envelope, "message.queued",
                        json{{"address", address}, {"transport", transport}, {"queue", to_text(id)}});
  event.recipient = recipient;
  event.code = 250;
  return event;
}

store::TraceEvent bounced_event(const Envelope& envelope, const std::string& recipient,
                                const std::string& text) {
  auto event = event_of(envelope, "message.bounced", json{{"reply", text}});
  event.recipient = recipient;
  event.code = 550;
  return event;
}

}  // namespace dromos::mta
