// IDLE (RFC 9051 §6.3.13): waits for input or news without holding buffers.
#include "common/base/strings.h"
#include "imapd/commands/handlers.h"
#include "imapd/commands/notify.h"

namespace dromos::imapd {

Handled handle_idle(Context& context, const Command& command) {
  context.out.continuation("idling");
  bool open = co_await context.flush();
  const Deadline deadline = Deadline::after(context.worker.config.limits.idle_timeout);
  context.idling = true;
  context.activity = "idle";
  while (open && !context.ending) {
    // News first: they may have come while something was sent.
    context.wake.reset();
    if (context.selected) {
      const auto allowed = co_await refresh_rights(context);
      if (!allowed && context.ending) break;
      if (context.selected->mailbox->gone()) context.ending = true;
    }
    co_await tell_news(context, Expunges::tell, false);
    if (!context.out.empty()) {
      open = co_await context.flush();
      continue;
    }
    if (context.ending || !context.stream.buffered().empty()) break;
    context.out.release();
    const Wake wake = co_await context.stream.wait_readable(deadline, &context.wake);
    if (wake == Wake::timeout) {
      context.out.untagged_status(Status::bye, "", "Idle for too long");
      context.state = State::logout;
      break;
    }
    if (wake == Wake::cancelled) context.broken = true;
    if (context.broken) break;
    if (!context.wake.is_set()) break;  // input
  }
  context.idling = false;
  if (!open || context.broken || context.state == State::logout || context.ending) co_return ok("Idle ended");
  const auto line = co_await context.read_line(Deadline::after(seconds(60)));
  if (!line) co_return ok("Idle ended");
  if (!iequals(*line, "DONE")) co_return bad("Expected DONE");
  co_return ok("Idle completed");
}

}  // namespace dromos::imapd
