#include "mta/service/prepared.h"

#include "common/async/offload.h"
#include "common/log/log.h"
#include "common/mime/facts.h"
#include "common/mime/text.h"
#include "common/mime/thread_keys.h"
#include "mta/service/head.h"

namespace dromos::mta {
namespace {

/// Below this, parsing costs less than the way to another thread.
constexpr size_t kParseInline = 64 * 1024;

struct Computed {
  std::string facts;
  std::string text;
  bool truncated = false;
  std::vector<int64_t> keys;
};

Computed compute(std::string_view raw, TraceId trace) {
  Computed out;
  try {
    const mime::Facts facts = mime::build_facts(raw);
    out.facts = mime::encode_facts(facts);
    out.text = mime::search_text(raw, facts, &out.truncated);
    out.keys = mime::thread_keys(facts);
  } catch (const std::exception& e) {
    // A message that breaks the parser must not be 451 for ever (DESIGN §3).
    log::error("facts.failed", {{"trace", trace}, {"err", e.what()}});
    out = Computed{};
    out.facts = mime::encode_facts(mime::minimal_facts(raw));
  }
  return out;
}

void set_bytes(store::NewMessage& out, std::string_view view, const std::shared_ptr<const Spool>& spool) {
  out.header_size = header_size_of(view);
  if (spool->in_file())
    out.source = std::make_shared<SpoolSource>(spool, view);
  else
    out.raw = view;
}

}  // namespace

Task<void> compute_facts(PreparedMessage& message) {
  Computed computed;
  if (message.local.size() <= kParseInline) {
    computed = compute(message.local, message.trace);
  } else {
    auto work = [raw = message.local, trace = message.trace] { return compute(raw, trace); };
    computed = co_await offload(std::move(work));
  }
  message.facts = std::move(computed.facts);
  message.text = std::move(computed.text);
  message.text_truncated = computed.truncated;
  message.thread_keys = std::move(computed.keys);
}

store::NewMessage PreparedMessage::for_mailboxes() const {
  store::NewMessage out;
  set_bytes(out, local, spool);
  out.facts = facts;
  out.facts_version = mime::kFactsParser;
  out.text = text;
  out.text_truncated = text_truncated;
  out.thread_keys = thread_keys;
  out.received_us = received_us;
  out.trace = trace;
  return out;
}

store::NewMessage PreparedMessage::for_queue() const {
  store::NewMessage out;
  set_bytes(out, queued, spool);
  out.received_us = received_us;
  out.trace = trace;
  return out;
}

store::NewMessage message_of(std::string raw, TraceId trace, int64_t received_us) {
  store::NewMessage out;
  Computed computed = compute(raw, trace);
  out.header_size = header_size_of(raw);
  out.facts = std::move(computed.facts);
  out.facts_version = mime::kFactsParser;
  out.text = std::move(computed.text);
  out.text_truncated = computed.truncated;
  out.thread_keys = std::move(computed.keys);
  out.received_us = received_us;
  out.trace = trace;
  out.raw = std::move(raw);
  return out;
}

}  // namespace dromos::mta
