#include "common/dns/unbound_resolver.h"

#include <event2/event.h>
#include <unbound-event.h>
#include <unbound.h>

#include <unordered_map>

#include "common/async/sync.h"
#include "common/base/assert.h"
#include "common/dns/wire.h"

namespace dromos::dns {
namespace {

constexpr int kClassIn = 1;
constexpr int kSecurityBogus = 1, kSecuritySecure = 2;

Error setting_error(const std::string& what, int code) {
  return Error(dromos::Errc::invalid_argument, "libunbound: " + what + ": " + ub_strerror(code));
}

Error unanswered(const std::string& name, CancelToken end) {
  return end.cancelled() ? cancelled_error("DNS lookup of " + name) : timeout_error("DNS lookup of " + name);
}

/// One question in flight. libunbound holds its key, not its address, so a late callback finds nothing.
struct Question {
  Event done;
  bool answered = false;
  int rcode = 0;
  int security = 0;
  std::string packet;
  std::string why_bogus;
};

}  // namespace

struct UnboundResolver::State {
  explicit State(size_t max_in_flight) : slots(max_in_flight) {}
  ~State() {
    DROMOS_ASSERT(questions.empty());
    if (ctx != nullptr) ub_ctx_delete(ctx);
  }

  ub_ctx* ctx = nullptr;
  Semaphore slots;
  CancelSource interrupted;
  std::unordered_map<uint64_t, Question*> questions;
  uint64_t next_key = 1;

  struct Token {
    State* state;
    uint64_t key;
  };

  /// Called from the reactor's loop (or at once, for local data). Only copies and wakes.
  static void answered(void* data, int rcode, void* packet, int size, int security, char* why_bogus, int) {
    const std::unique_ptr<Token> token(static_cast<Token*>(data));
    const auto it = token->state->questions.find(token->key);
    if (it == token->state->questions.end()) return;
    Question& question = *it->second;
    question.answered = true;
    question.rcode = rcode;
    question.security = security;
    if (packet != nullptr && size > 0)
      question.packet.assign(static_cast<const char*>(packet), static_cast<size_t>(size));
    if (why_bogus != nullptr) question.why_bogus = why_bogus;
    question.done.set();
  }

  Result<RecordSet> judge(const Question& question, const std::string& name, RecordType type) const {
    if (question.security == kSecurityBogus)
      return fail(Errc::bogus, "DNSSEC validation of " + name + " failed: " + question.why_bogus,
                  Retry::temporary);
    if (question.rcode != 0 || question.packet.empty())  // the packet is not to be looked at then
      return fail(Errc::server, "DNS lookup of " + name + " failed, rcode " + std::to_string(question.rcode),
                  Retry::temporary);
    TRY(RecordSet out, read_answer(question.packet, name, type));
    out.dnssec = question.security == kSecuritySecure ? Dnssec::secure : Dnssec::insecure;
    return out;
  }
};

UnboundResolver::UnboundResolver(std::unique_ptr<State> state) : state_(std::move(state)) {}
UnboundResolver::~UnboundResolver() = default;

Result<std::unique_ptr<UnboundResolver>> UnboundResolver::create(const UnboundOptions& options) {
  auto state = std::make_unique<State>(options.max_in_flight);
  ub_ctx* const ctx = state->ctx = ub_ctx_create_event(Reactor::current().base());
  if (ctx == nullptr) return fail(dromos::Errc::internal, "libunbound: no context");
  const auto set = [ctx](const std::string& name, const std::string& value) {
    return ub_ctx_set_option(ctx, name.c_str(), value.c_str());
  };
  std::vector<std::pair<std::string, std::string>> settings = {{"use-syslog:", "no"},
                                                               {"harden-glue:", "yes"},
                                                               {"qname-minimisation:", "yes"},
                                                               {"aggressive-nsec:", "yes"}};
  if (options.allow_loopback) settings.emplace_back("do-not-query-localhost:", "no");
  settings.insert(settings.end(), options.settings.begin(), options.settings.end());
  for (const auto& [name, value] : settings)
    if (const int code = set(name, value); code != 0) return fail(setting_error(name + " " + value, code));
  if (options.use_resolv_conf)
    if (const int code = ub_ctx_resolvconf(ctx, nullptr); code != 0)
      return fail(setting_error("resolv.conf", code));
  for (const std::string& forwarder : options.forwarders)
    if (const int code = ub_ctx_set_fwd(ctx, forwarder.c_str()); code != 0)
      return fail(setting_error("forwarder " + forwarder, code));
  if (!options.trust_anchor_file.empty())
    if (const int code = ub_ctx_add_ta_file(ctx, options.trust_anchor_file.c_str()); code != 0)
      return fail(setting_error("trust anchor " + options.trust_anchor_file, code));
  for (const std::string& anchor : options.trust_anchors)
    if (const int code = ub_ctx_add_ta(ctx, anchor.c_str()); code != 0)
      return fail(setting_error("trust anchor " + anchor, code));
  for (const std::string& zone : options.ask_zones)  // last: this fixes the settings
    if (const int code = ub_ctx_zone_remove(ctx, zone.c_str()); code != 0)
      return fail(setting_error("zone " + zone, code));
  return std::unique_ptr<UnboundResolver>(new UnboundResolver(std::move(state)));
}

Task<Result<RecordSet>> UnboundResolver::query(std::string name, RecordType type, Deadline deadline) {
  const auto asked = normalize_name(name);
  if (!asked) co_return fail(Errc::bad_name, "not a domain name: " + name);
  const CancelToken end = state_->interrupted.token();
  if (co_await state_->slots.acquire(deadline, end) != Wake::ready) co_return fail(unanswered(*asked, end));
  Question question;
  const uint64_t key = state_->next_key++;
  state_->questions.emplace(key, &question);
  auto token = std::make_unique<State::Token>(State::Token{state_.get(), key});
  int id = 0;
  const std::string dotted = *asked + ".";
  const int code = ub_resolve_event(state_->ctx, dotted.c_str(), static_cast<int>(type), kClassIn,
                                    token.get(), State::answered, &id);
  if (code == 0) {
    State::Token* const lent = token.release();  // its callback owns it now
    (void)co_await question.done.wait(deadline, end);
    // After a cancel libunbound never calls back, so the token is ours again.
    if (!question.answered && id != 0 && ub_cancel(state_->ctx, id) == 0) delete lent;
  }
  state_->questions.erase(key);
  state_->slots.release();
  if (code != 0)
    co_return fail(Errc::server, std::string("libunbound: ") + ub_strerror(code), Retry::temporary);
  if (!question.answered) co_return fail(unanswered(*asked, end));
  co_return state_->judge(question, *asked, type);
}

void UnboundResolver::interrupt() {
  state_->interrupted.cancel();
}

Task<bool> UnboundResolver::dnssec_works(Deadline deadline) {
  constexpr auto kDnskey = static_cast<RecordType>(48);
  const Result<RecordSet> root = co_await query(".", kDnskey, deadline);
  co_return root && root->dnssec == Dnssec::secure && root->existence == Existence::exists;
}

}  // namespace dromos::dns
