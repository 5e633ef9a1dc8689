// STAT, LIST, UIDL, DELE (RFC 1939 §5, §7). Sizes are those of what RETR sends (§11): sent_sizes.h.
#include "imapd/pop3/session.h"

namespace dromos::imapd::pop3 {
namespace {
constexpr uint32_t kSlice = 2048;  // lines between two looks at other sessions
}

/// After login and RSET, where no client reads numbers: sizes are not looked for.
void Session::tell_count() {
  ok(std::to_string(maildrop_.count()) + " messages");
}

Task<Result<void>> Session::learn(SentSizes& sizes, const MessageItem& item) const {
  while (!sizes.covers(item)) {
    if (ending_) co_return fail(Errc::unavailable, "the session ends", Retry::temporary);
    CO_TRY_VOID(co_await sizes.open(item, store_deadline()));
  }
  co_return Result<void>{};
}

/// Two numbers, which clients read (RFC 1939 §5), and nothing else.
Task<void> Session::stat() {
  SentSizes sizes(worker_, account(), maildrop_, utf8_);
  uint64_t octets = 0;
  for (uint32_t number = 1; number <= maildrop_.last(); ++number) {
    if (const MessageItem* item = maildrop_.find(number)) {
      if (!sizes.covers(*item)) {
        const auto learned = co_await learn(sizes, *item);
        if (!learned) co_return err(learned.error());
      }
      octets += sizes.of(*item);
    }
    if (number % kSlice == 0) co_await Reactor::current().yield();
  }
  ok(std::to_string(maildrop_.count()) + " " + std::to_string(octets));
}

Task<void> Session::list(Command command) {
  SentSizes sizes(worker_, account(), maildrop_, utf8_);
  if (command.number == 0) co_return co_await list_all(&sizes);
  const MessageItem* item = maildrop_.find(command.number);
  if (item == nullptr) co_return err("", "No such message");
  const auto learned = co_await learn(sizes, *item);
  if (!learned) co_return err(learned.error());
  ok(std::to_string(command.number) + " " + std::to_string(sizes.of(*item)));
}

Task<void> Session::unique_ids(Command command) {
  if (command.number == 0) co_return co_await list_all(nullptr);
  const MessageItem* item = maildrop_.find(command.number);
  if (item == nullptr) co_return err("", "No such message");
  ok(std::to_string(command.number) + " " + maildrop_.unique_id(*item));
}

/// With `sizes` LIST's lines, without UIDL's.
Task<void> Session::list_all(SentSizes* sizes) {
  const size_t begin = out_.size();
  ok(std::to_string(maildrop_.count()) + " messages follow");
  for (uint32_t number = 1; number <= maildrop_.last() && !broken_; ++number) {
    if (const MessageItem* item = maildrop_.find(number)) {
      const bool known = sizes == nullptr || sizes->covers(*item);
      const auto learned = known ? Result<void>{} : co_await learn(*sizes, *item);
      if (!learned) {
        broken_ = within_response_;  // nothing could say that the rest is missing
        within_response_ = false;
        out_.resize(broken_ ? out_.size() : begin);
        co_return err(learned.error());
      }
      out_.append(std::to_string(number)).append(" ");
      out_.append(sizes ? std::to_string(sizes->of(*item)) : maildrop_.unique_id(*item)).append("\r\n");
    }
    if (number % kSlice == 0) {
      co_await flush_some();
      within_response_ |= out_.empty();
      co_await Reactor::current().yield();
    }
  }
  out_ += ".\r\n";
  within_response_ = false;
}

void Session::dele(uint32_t number) {
  if (maildrop_.find(number) == nullptr) return err("", "No such message");
  maildrop_.mark_deleted(number);
  ok("Marked; it goes at QUIT");
}

}  // namespace dromos::imapd::pop3
