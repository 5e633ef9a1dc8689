// STAT, LIST, UIDL, DELE (RFC 1939 §5, §7).
#include "imapd/pop3/session.h"

namespace dromos::imapd::pop3 {
namespace {
constexpr uint32_t kSlice = 2048;  // lines between two looks at other sessions
}

/// One form for all: two numbers, which clients read (RFC 1939 §5), and nothing else.
void Session::stat() {
  ok(std::to_string(maildrop_.count()) + " " + std::to_string(maildrop_.octets()));
}

Task<void> Session::list(Command command) {
  const auto value_of = [this, verb = command.verb](const MessageItem& item) {
    return verb == Verb::uidl ? maildrop_.unique_id(item) : std::to_string(item.size);
  };
  if (command.number != 0) {
    const MessageItem* item = maildrop_.find(command.number);
    if (item == nullptr) co_return err("", "No such message");
    co_return ok(std::to_string(command.number) + " " + value_of(*item));
  }
  ok(std::to_string(maildrop_.count()) + " messages follow");
  within_response_ = true;
  for (uint32_t number = 1; number <= maildrop_.last() && !broken_; ++number) {
    if (const MessageItem* item = maildrop_.find(number))
      out_.append(std::to_string(number)).append(" ").append(value_of(*item)).append("\r\n");
    if (number % kSlice == 0) {
      co_await flush_some();
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
