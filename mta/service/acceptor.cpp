#include "mta/service/acceptor.h"

#include <atomic>
#include <numeric>

#include "common/base/fault.h"
#include "common/log/log.h"
#include "mta/service/blind_copies.h"
#include "mta/service/head.h"
#include "mta/service/metrics.h"

namespace dromos::mta {
namespace {

constexpr milliseconds kCommitTimeout{25'000};
constexpr milliseconds kLookupTimeout{10'000};
/// Sabotage strikes every so many messages.
constexpr uint64_t kSabotageEvery = 50;

smtp::Reply try_later(const Envelope& envelope) {
  return {451, {4, 3, 0}, "Temporary failure, please try again: " + to_text(envelope.trace)};
}

smtp::Reply taken(const Envelope& envelope) {
  return {250, {2, 0, 0}, "Ok: " + to_text(envelope.trace)};
}

// Nothing: the outcome is no refusal but trouble of ours.
std::optional<smtp::Reply> refusal_of(store::Outcome outcome) {
  switch (outcome) {
    case store::Outcome::over_quota:
      return smtp::Reply(552, {5, 2, 2}, "Mailbox is full");
    case store::Outcome::no_account:
    case store::Outcome::no_mailbox:
      return smtp::Reply(550, {5, 1, 1}, "Mailbox is gone");
    default:
      return std::nullopt;
  }
}

bool sabotage_strikes(const char* name) {
  static std::atomic<uint64_t> count{0};
  return fault::sabotage(name) && count.fetch_add(1) % kSabotageEvery == kSabotageEvery - 1;
}

std::vector<size_t> all_of(const Envelope& envelope) {
  std::vector<size_t> which(envelope.recipients.size());
  std::iota(which.begin(), which.end(), size_t{0});
  return which;
}

void log_outcome(const Envelope& envelope, const PreparedMessage& message, const Verdict& verdict,
                 const smtp::Reply& reply, std::string_view to, Deadline::TimePoint begun) {
  log::info(reply.positive() ? "message.accepted" : "message.refused",
            {{"trace", envelope.trace},
             {"id", to_text(envelope.trace)},
             {"from", envelope.mail.from ? envelope.mail.from->shown() : "<>"},
             {"to", to},
             {"recipients", envelope.recipients.size()},
             {"account", envelope.user ? envelope.user->account.value : 0},
             {"remote", envelope.peer.ip},
             {"size", message.queued.size()},
             {"verdict", verdict.name},
             {"score", verdict.score},
             {"code", reply.code},
             {"text", reply.text()},
             {"ms", std::chrono::steady_clock::now() - begun}});
}

}  // namespace

/// Recipients that are answered together.
struct Acceptor::Unit {
  const Envelope& envelope;
  const PreparedMessage& message;
  const Verdict& verdict;
  std::vector<size_t> which;
  std::set<AccountId>& stored;
  PlanOptions options;
  std::set<AccountId> left_out = {};
  std::map<size_t, smtp::Reply> refused = {};  ///< by recipient
};

Task<PreparedMessage> Acceptor::prepare(const Envelope& envelope, std::shared_ptr<Spool> spool,
                                        const Verdict& verdict) {
  PreparedMessage message;
  message.received_us = Clock::now_us();
  message.trace = envelope.trace;
  const Head head = make_head(envelope, verdict, hostname_, spool->content(), message.received_us);
  message.local = spool->with_head(head.return_path + head.fields);
  message.queued = message.local.substr(head.return_path.size());
  message.spool = std::move(spool);
  if (targets_of(envelope, all_of(envelope), {}).needs_mailboxes() || envelope.kind == Kind::lmtp)
    co_await compute_facts(message);
  co_return message;
}

Task<std::vector<smtp::Reply>> Acceptor::accept(Envelope envelope, std::shared_ptr<Spool> content) {
  const auto begun = std::chrono::steady_clock::now();
  const bool lmtp = envelope.kind == Kind::lmtp;
  if (envelope.kind == Kind::submission) content->remove(blind_copies(content->content()));
  const size_t answers = lmtp ? envelope.recipients.size() : 1;
  const Verdict verdict = co_await scanner_.scan(envelope, content->content());
  if (!verdict.scanned && config_.spam.when_down == "defer") {
    metrics::messages("deferred").add();
    co_return std::vector<smtp::Reply>(answers, try_later(envelope));
  }
  const PreparedMessage message = co_await prepare(envelope, std::move(content), verdict);
  metrics::message_bytes().observe(static_cast<double>(message.queued.size()));

  if (fault::sabotage("ack_early")) {
    background_.spawn(store_late(std::make_shared<const Envelope>(envelope), message, verdict));
    co_return std::vector<smtp::Reply>(answers, taken(envelope));
  }
  if (sabotage_strikes("drop_one")) co_return std::vector<smtp::Reply>(answers, taken(envelope));

  std::vector<smtp::Reply> replies;
  std::set<AccountId> stored;
  PlanOptions options;
  options.now_us = message.received_us;
  options.expire_after = config_.outbound.expire_after;
  for (size_t i = 0; i < answers; ++i) {
    Unit unit{envelope, message, verdict, lmtp ? std::vector<size_t>{i} : all_of(envelope), stored, options};
    unit.left_out = stored;
    auto task = store(std::move(unit));
    replies.push_back(co_await std::move(task));
    if (replies.back().positive()) options.begin_trace = false;
    metrics::messages(replies.back().positive()    ? "accepted"
                      : replies.back().permanent() ? "refused"
                                                   : "deferred")
        .add();
    const std::string to = envelope.recipients.empty() ? "" : envelope.recipients[i].rcpt.to.shown();
    log_outcome(envelope, message, verdict, replies.back(), to, begun);
  }
  co_return replies;
}

Task<Result<store::DeliveryResult>> Acceptor::commit(store::Delivery delivery, bool queues) {
  const auto begun = std::chrono::steady_clock::now();
  if (fault::hit("mta.before_commit")) co_return fail(unavailable_error("fault mta.before_commit"));
  auto result = co_await deliverer_.deliver(std::move(delivery), Deadline::after(kCommitTimeout));
  fault::hit("mta.after_commit");
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  metrics::commit_seconds().observe(took.count());
  if (result && result->all_stored()) {
    hooks_.changed(result->changes());
    if (queues) hooks_.queued();
  }
  co_return result;
}

// Who must hear of this commit: those refused, and those delivered who were asked to tell.
Task<Result<Notification>> Acceptor::notification_for(const Unit& unit, const Plan& plan) {
  Notification out;
  const Envelope& envelope = unit.envelope;
  if (!envelope.mail.from) co_return out;
  const int64_t now = unit.options.now_us;
  for (const auto& [recipient, reply] : unit.refused)
    if (auto failed = failed_recipient(envelope.recipients[recipient].rcpt, reply, now))
      out.recipients.push_back(std::move(*failed));
  std::set<size_t> delivered;
  for (const auto& served : plan.served) delivered.insert(served.begin(), served.end());
  for (const size_t recipient : delivered) {
    if (unit.refused.contains(recipient)) continue;
    if (auto told = delivered_recipient(envelope.recipients[recipient].rcpt, now))
      out.recipients.push_back(std::move(*told));
  }
  if (out.recipients.empty()) co_return out;
  const smtp::Mailbox& sender = *envelope.mail.from;
  CO_TRY(out.sender,
         co_await directory_.resolve(sender.local, sender.domain, Deadline::after(kLookupTimeout)));
  if (out.sender.reject == directory::Reject::not_local) {
    directory::Recipient remote;
    remote.address = sender.to_string();
    out.sender.targets.push_back(std::move(remote));
  }
  co_return out;
}

Task<smtp::Reply> Acceptor::store(Unit unit) {
  const Envelope& envelope = unit.envelope;
  // A second round leaves out those who refused in the first; a third would be a race without end.
  for (int round = 0; round < 3; ++round) {
    const Targets targets = targets_of(envelope, unit.which, unit.left_out);
    if (targets.empty()) {
      if (unit.refused.empty()) co_return taken(envelope);  // all have it already, by another recipient
      metrics::recipients("refused").add(unit.which.size());
      co_return unit.refused.begin()->second;
    }
    Plan plan = make_plan(envelope, targets, unit.message, unit.verdict, unit.options);
    auto notification = co_await notification_for(unit, plan);
    if (!notification) {
      log::warn("message.deferred", {{"trace", envelope.trace}, {"err", notification.error()}});
      co_return try_later(envelope);
    }
    add_notification(plan, envelope, *notification, unit.message.queued, hostname_, unit.options);
    const auto result = co_await commit(std::move(plan.delivery), plan.queues);
    if (!result) {
      log::warn("message.deferred", {{"trace", envelope.trace}, {"err", result.error()}});
      co_return try_later(envelope);
    }
    if (result->all_stored()) {
      for (const auto& [account, recipients] : targets.local) unit.stored.insert(account);
      metrics::recipients("stored").add(plan.served.size());
      metrics::recipients("queued").add(targets.remote.size());
      if (sabotage_strikes("replay_twice")) {
        Plan again = make_plan(envelope, targets, unit.message, unit.verdict, unit.options);
        (void)co_await commit(std::move(again.delivery), again.queues);
      }
      co_return taken(envelope);
    }
    for (size_t i = 0; i < result->targets.size() && i < plan.served.size(); ++i) {
      const store::TargetResult& target = result->targets[i];
      if (target.outcome == store::Outcome::stored || target.outcome == store::Outcome::skipped) continue;
      const auto refusal = refusal_of(target.outcome);
      if (!refusal) co_return try_later(envelope);
      unit.left_out.insert(target.account);
      for (const size_t recipient : plan.served[i]) unit.refused.emplace(recipient, *refusal);
    }
  }
  co_return try_later(envelope);
}

Task<void> Acceptor::store_late(std::shared_ptr<const Envelope> envelope, PreparedMessage message,
                                Verdict verdict) {
  co_await sleep_for(milliseconds(300));
  std::set<AccountId> stored;
  PlanOptions options;
  options.now_us = message.received_us;
  options.expire_after = config_.outbound.expire_after;
  Unit unit{*envelope, message, verdict, all_of(*envelope), stored, options};
  auto task = store(std::move(unit));
  (void)co_await std::move(task);
}

}  // namespace dromos::mta
