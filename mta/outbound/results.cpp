#include "mta/outbound/results.h"

#include <map>
#include <nlohmann/json.hpp>
#include <random>

#include "common/base/fault.h"
#include "common/log/log.h"
#include "common/store/errc.h"
#include "mta/outbound/metrics.h"

namespace dromos::mta {
namespace {

constexpr milliseconds kFirstWait{200};
constexpr milliseconds kLongestWait{5'000};
/// Tries to store a report before the recipient is put off: the remote host will say its "no" again.
constexpr int kReportTries = 5;

double dice() {
  static thread_local std::mt19937_64 generator{std::random_device{}()};
  return std::uniform_real_distribution<double>(0.0, 1.0)(generator);
}

bool is_delivered(Fate fate) {
  return fate == Fate::delivered || fate == Fate::relayed;
}

}  // namespace

/// What settle() will do, decided before anything is done.
struct Results::Plan {
  std::vector<store::QueueResult> delivered;  ///< nobody wants a report: written first
  std::vector<store::QueueResult> rest;
  struct Report {
    smtp::DsnAction action;
    bool expired;
    std::vector<ReportLine> lines;
  };
  std::vector<Report> reports;
  std::vector<LeasedItem> unsent;
};

Results::Plan Results::plan(const Group& group, const Attempt& attempt) const {
  Plan plan;
  const int64_t now = Clock::now_us();
  std::map<std::pair<smtp::DsnAction, bool>, std::vector<ReportLine>> reports;
  for (size_t i = 0; i < group.items.size(); ++i) {
    const LeasedItem& leased = group.items[i];
    const SendVerdict& verdict = attempt.verdicts[i];
    if (verdict.fate == Fate::again) {
      plan.unsent.push_back(leased);
      continue;
    }
    ReportLine line{leased.item, {}, verdict};
    if (auto options = decode_recipient_options(leased.item.recipient_options))
      line.options = std::move(*options);
    AttemptState state = decode_attempt_state(leased.item.recipient_options);
    ++state.tries;
    store::QueueResult result;
    result.key = leased.key();
    result.code = verdict.code;
    result.reply = verdict.diagnostic;
    result.due_us = now;

    if (is_delivered(verdict.fate)) {
      // Own mailboxes and hops without DSN do not report success themselves.
      const bool local = leased.item.transport == "local";
      const auto action = local ? smtp::DsnAction::delivered : smtp::DsnAction::relayed;
      const bool report =
          (local || verdict.fate == Fate::relayed) && wants_report(line.options.notify, action);
      if (report) reports[{action, false}].push_back(std::move(line));
      (report ? plan.rest : plan.delivered).push_back(std::move(result));
      continue;
    }
    if (verdict.fate == Fate::failed) {
      reports[{smtp::DsnAction::failed, false}].push_back(std::move(line));
      plan.rest.push_back(std::move(result));
      continue;
    }
    const RetryDecision decision = decide_retry(context_.options.retry, state, now, leased.item.created_us,
                                                leased.item.expires_us, dice());
    if (decision.action == RetryDecision::Action::expire) {
      reports[{smtp::DsnAction::failed, true}].push_back(std::move(line));
    } else {
      result.action = store::QueueAction::retry;
      result.due_us = decision.due_us;
      if (decision.warn) {
        state.warned = true;
        reports[{smtp::DsnAction::delayed, false}].push_back(std::move(line));
      }
      result.options = encode(state);
    }
    plan.rest.push_back(std::move(result));
  }
  for (auto& [kind, lines] : reports) plan.reports.push_back({kind.first, kind.second, std::move(lines)});
  return plan;
}

/// Until it is written, or the lease is lost, or stop().
Task<void> Results::write(Uuid token, std::vector<store::QueueResult> results, bool delivered) {
  if (results.empty()) co_return;
  milliseconds wait = kFirstWait;
  while (true) {
    const auto written = co_await context_.queue.finish(token, results, Deadline::after(kDatabaseWait));
    if (written) co_return;
    if (written.error().is(store::StoreErrc::not_found)) {
      if (results.size() == 1) {
        outbound_metrics::attempts("lost").add();
        if (delivered) outbound_metrics::possible_duplicates().add();
        log::warn("queue.lease_lost", {{"queue", results[0].key.id},
                                       {"recipient", results[0].key.recipient_no},
                                       {"code", results[0].code},
                                       {"delivered", delivered}});
        co_return;
      }
      // One lost lease refuses all: write the others by themselves.
      for (store::QueueResult& one : results) {
        std::vector<store::QueueResult> single;
        single.push_back(std::move(one));
        co_await write(token, std::move(single), delivered);
      }
      co_return;
    }
    static log::RateLimit limit(1, seconds(5));
    uint64_t skipped = 0;
    if (limit.allow(skipped))
      log::warn("queue.write_failed", {{"err", written.error()}, {"skipped", skipped}});
    if (stop_.is_set()) {
      if (delivered) outbound_metrics::possible_duplicates().add(results.size());
      co_return;
    }
    co_await stop_.wait(Deadline::after(wait));
    wait = std::min(wait * 2, kLongestWait);
  }
}

/// False: the reports could not be stored; nothing of `rest` may be written as done.
Task<bool> Results::report(const Group& group, Plan& plan) {
  if (plan.reports.empty()) co_return true;
  milliseconds wait = kFirstWait;
  for (int tries = 0; tries < kReportTries; ++tries) {
    bool failed = false;
    std::vector<store::QueueKey> keys;
    for (const Plan::Report& one : plan.reports)
      for (const ReportLine& line : one.lines) keys.push_back({line.item.id, line.item.recipient_no});
    // Whoever has taken the recipients over will report.
    auto held = co_await context_.queue.renew(group.token(), std::move(keys), context_.options.lease,
                                              Deadline::after(kDatabaseWait));
    if (held && !*held) co_return false;
    failed = !held;
    for (size_t i = 0; !failed && i < plan.reports.size(); ++i) {
      const Plan::Report& one = plan.reports[i];
      const auto sent = co_await reports_.send(group.token(), one.action, one.expired, one.lines);
      if (sent) continue;
      log::warn("report.failed", {{"trace", group.first().trace}, {"err", sent.error()}});
      if (!sent.error().may_retry()) co_return false;
      failed = true;
    }
    if (!failed) co_return true;
    if (stop_.is_set()) co_return false;
    co_await stop_.wait(Deadline::after(wait));
    wait = std::min(wait * 2, kLongestWait);
  }
  co_return false;
}

Task<void> Results::note(const Group& group, const Attempt& attempt, microseconds took) {
  const int64_t now = Clock::now_us();
  std::vector<store::TraceEvent> events;
  for (size_t i = 0; i < group.items.size(); ++i) {
    const store::QueueItem& item = group.items[i].item;
    const SendVerdict& verdict = attempt.verdicts[i];
    if (verdict.fate == Fate::again) continue;
    outbound_metrics::attempts(to_string(verdict.fate)).add();
    const bool delivered = is_delivered(verdict.fate);
    if (delivered)
      outbound_metrics::delivery_seconds().observe(static_cast<double>(now - item.created_us) / 1e6);
    const bool local = item.transport == "local";
    const bool expired = verdict.fate == Fate::deferred && now >= item.expires_us;
    const char* event = delivered ? (local ? "message.delivered" : "message.sent")
                        : verdict.fate == Fate::failed || expired ? "message.bounced"
                                                                  : "message.deferred";
    log::info(event, {{"trace", item.trace},
                      {"from", item.sender},
                      {"to", item.address},
                      {"remote", verdict.remote},
                      {"code", verdict.code},
                      {"reply", verdict.diagnostic},
                      {"tls", verdict.tls},
                      {"ms", took}});
    store::TraceEvent trace;
    trace.trace = item.trace;
    trace.daemon = "mta";
    trace.event = event;
    trace.sender = item.sender;
    trace.recipient = item.address;
    trace.account = item.account;
    trace.code = verdict.code;
    nlohmann::json detail{
        {"reply", verdict.diagnostic}, {"ms", took.count() / 1000}, {"attempt", item.attempts}};
    if (!verdict.remote.empty()) detail["remote"] = verdict.remote;
    if (!local && !verdict.remote.empty()) detail["tls"] = verdict.tls;
    if (expired) detail["expired"] = true;
    trace.detail = detail.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    events.push_back(std::move(trace));
  }
  if (events.empty()) co_return;
  const auto put = co_await context_.traces.put(std::move(events), Deadline::after(kDatabaseWait));
  if (!put) log::warn("trace.write_failed", {{"err", put.error()}});
}

Task<std::vector<LeasedItem>> Results::settle(Group group, Attempt attempt, microseconds took) {
  Plan todo = plan(group, attempt);
  fault::hit("outbound.before_finish");
  co_await write(group.token(), std::move(todo.delivered), true);
  const bool reported = co_await report(group, todo);
  if (!reported) {
    // Put off rather than lost: the next attempt ends the same way, and reports.
    for (store::QueueResult& result : todo.rest) {
      if (result.action != store::QueueAction::done) continue;
      result.action = store::QueueAction::retry;
      result.due_us = Clock::now_us() + microseconds(context_.options.retry.min).count();
    }
  }
  fault::hit("outbound.after_report");
  int64_t next_us = INT64_MAX;
  for (const store::QueueResult& result : todo.rest)
    if (result.action == store::QueueAction::retry) next_us = std::min(next_us, result.due_us);
  co_await write(group.token(), std::move(todo.rest), false);
  if (next_us != INT64_MAX) on_retry_(next_us);
  co_await note(group, attempt, took);
  co_return std::move(todo.unsent);
}

Task<void> Results::release(std::vector<LeasedItem> items, milliseconds wait, std::string why) {
  std::map<Uuid, std::vector<store::QueueResult>> by_token;
  for (const LeasedItem& item : items) {
    store::QueueResult result;
    result.key = item.key();
    result.action = store::QueueAction::retry;
    result.due_us = Clock::now_us() + microseconds(wait).count();
    result.reply = why;
    by_token[item.token].push_back(std::move(result));
  }
  for (auto& [token, results] : by_token) co_await write(token, std::move(results), false);
}

}  // namespace dromos::mta
