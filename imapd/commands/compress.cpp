// COMPRESS=DEFLATE (RFC 4978) and UNAUTHENTICATE (RFC 8437). Both change what follows their tagged answer on
// the wire, so they write it themselves: an empty text says so.
#include "common/log/log.h"
#include "imapd/commands/handlers.h"

namespace dromos::imapd {
namespace {
constexpr milliseconds kWriteTime{300000};
}

Handled handle_compress(Context& context, const Command& command) {
  if (command.as<CompressCommand>().algorithm != "DEFLATE") co_return bad("Only DEFLATE is known");
  if (context.stream.is_compressed()) co_return no(code::kCompressionActive, "DEFLATE is active already");
  context.out.ok(command.tag, "DEFLATE active");
  const bool sent = co_await context.flush();
  if (!sent) co_return ok("");
  const auto started = co_await context.stream.start_compression(Deadline::after(kWriteTime));
  if (!started) context.broken = true;
  co_return ok("");
}

/// Compression ends behind the answer; TLS and its client certificate stay.
Handled handle_unauthenticate(Context& context, const Command& command) {
  if (!context.worker.config.unauthenticate) co_return bad("UNAUTHENTICATE is not offered");
  log::info("auth.forgotten", {{"trace", context.trace}, {"account", context.account()}});
  context.forget_login();
  context.out.ok(command.tag, "Log in anew");
  if (!context.stream.is_compressed()) {
    (void)co_await context.flush();
    co_return ok("");
  }
  context.stream.write(context.out.take());
  const auto stopped = co_await context.stream.stop_compression(Deadline::after(kWriteTime));
  if (!stopped) context.broken = true;
  co_return ok("");
}

}  // namespace dromos::imapd
