#include "mta/service/trace_events.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/base/strings.h"
#include "common/mime/header.h"

namespace dromos::mta {
namespace {

using nlohmann::json;

constexpr size_t kMaxMessageId = 998;  // RFC 5322 §2.1.1: of a line

store::TraceEvent event_of(const Envelope& envelope, const char* name, const json& detail) {
  store::TraceEvent event;
  event.trace = envelope.trace;
  event.daemon = "mta";
  event.event = name;
  if (envelope.mail.from) event.sender = envelope.mail.from->shown();
  event.detail = detail.dump(-1, ' ', false, json::error_handler_t::replace);
  return event;
}

/// Without its brackets, as people search for it.
std::string message_id(std::string_view content) {
  const auto field = mime::find_field(content, "message-id");
  if (!field) return {};
  const std::string value = mime::unfold(field->value);
  std::string_view id = value;
  if (id.starts_with('<')) id.remove_prefix(1);
  return clean_utf8(id.substr(0, std::min(id.find('>'), kMaxMessageId)));
}

}  // namespace

store::TraceEvent received_event(const Envelope& envelope, std::string_view content) {
  json detail{{"remote", envelope.peer.ip},
              {"helo", envelope.peer.helo},
              {"listener", to_string(envelope.kind)},
              {"tls", envelope.peer.tls_version},
              {"recipients", envelope.recipients.size()},
              {"size", content.size()}};
  if (std::string id = message_id(content); !id.empty()) detail["message_id"] = std::move(id);
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
