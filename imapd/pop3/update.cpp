// QUIT (RFC 1939 §6): the marked messages go in one transaction.
#include "common/async/reactor.h"
#include "common/base/fault.h"
#include "common/log/log.h"
#include "imapd/pop3/session.h"

namespace dromos::imapd::pop3 {
namespace {
constexpr seconds kUpdateTime{30};
constexpr milliseconds kPause{200};
}  // namespace

Task<void> Session::quit() {
  Result<void> updated;
  if (state_ == State::transaction) updated = co_await update();
  if (updated)
    ok("Bye");
  else
    err("SYS/TEMP", "The deleted messages could not be removed");
  state_ = State::closing;
}

Task<Result<void>> Session::update() {
  const Deadline deadline = Deadline::after(kUpdateTime);
  const store::UidSet deleted = maildrop_.deleted();
  fault::hit("imapd.pop3.before_commit");
  while (!deleted.empty()) {
    // Uids are never given again, so asking twice does no harm when an answer was lost.
    const auto gone =
        co_await worker_.entries.expunge(account(), maildrop_.mailbox(), deleted, false, deadline);
    if (gone) {
      fault::hit("imapd.pop3.after_commit");
      worker_.changed(gone->change);
      break;
    }
    log::warn("pop3.update_failed", {{"trace", trace_}, {"account", account()}, {"err", gone.error()}});
    if (!gone.error().may_retry() || deadline.passed()) co_return fail(gone.error());
    co_await sleep_for(kPause);
  }
  const store::UidSet read = maildrop_.newly_read();
  if (read.empty()) co_return Result<void>{};
  store::FlagSet seen;
  seen.flags = store::kSeen;
  const auto stored = co_await worker_.entries.store(account(), maildrop_.mailbox(), read, store::FlagOp::add,
                                                     std::move(seen), std::nullopt, deadline);
  // The client has its mail: a missing \Seen is no failure of QUIT.
  if (stored)
    worker_.changed(stored->change);
  else
    log::warn("pop3.seen_failed", {{"trace", trace_}, {"account", account()}, {"err", stored.error()}});
  co_return Result<void>{};
}

}  // namespace dromos::imapd::pop3
