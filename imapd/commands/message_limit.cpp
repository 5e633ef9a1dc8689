#include "imapd/commands/message_limit.h"

#include <utility>

#include "common/metrics/metrics.h"
#include "imapd/protocol/command_append.h"
#include "imapd/service/search_plan.h"

namespace dromos::imapd {

MessageLimit::MessageLimit(Context& context)
    : context_(context),
      announced_(context.worker.config.limits.messages_per_command),
      enforced_(context.worker.config.limits.messages_per_command_enforced) {}

bool MessageLimit::exceeded_by(uint64_t messages) {
  // What §4.2 would have logged: it tells if enforcing would hurt.
  static metrics::Counter& counted = metrics::counter(
      "dromos_imapd_commands_over_limit_total", "Commands about more messages than MESSAGELIMIT announces.");
  if (!over(messages)) return false;
  counted.add();
  return enforced_ != 0 && messages > enforced_;
}

void MessageLimit::cut(NumberSet& numbers, const MailboxVersion& version) {
  if (!exceeded_by(numbers.count())) return;
  numbers = numbers.highest(enforced_);
  lowest_ = version.at(numbers.front()).uid;
}

void MessageLimit::cut(std::vector<uint32_t>& numbers, const MailboxVersion& version) {
  if (!exceeded_by(numbers.size())) return;
  numbers.erase(numbers.begin(), numbers.end() - enforced_);
  lowest_ = version.at(numbers.front()).uid;
}

Result<void> MessageLimit::cut(SearchScope& scope, const SearchProgram& program) {
  if (!over(scope.version->size())) return {};
  TRY(NumberSet named, messages_named(scope, program));
  cut(named, *scope.version);
  if (reached()) scope.only = std::move(named);
  return {};
}

std::string MessageLimit::code(bool with_uid) const {
  std::string code = "MESSAGELIMIT " + std::to_string(enforced_);
  if (with_uid) code += " " + std::to_string(lowest_);
  return code;
}

Reply MessageLimit::answer(Reply reply) const {
  if (!reached()) return reply;
  const std::string text = "Only the last " + std::to_string(enforced_) + " messages were processed";
  if (!reply.code.empty() || reply.status != Status::ok) {
    context_.out.untagged_status(Status::no, code(true), text);
  } else {
    reply.code = code(true);
    reply.text = text;
  }
  return reply;
}

bool MessageLimit::knows(const std::optional<PartialRange>& range) const {
  return !reached() || !range || (range->from_end && range->last <= enforced_);
}

Reply MessageLimit::refusal(std::string text, bool told) const {
  return no(code(told), std::move(text));
}

std::optional<Reply> too_many_to_append(const Context& context, size_t messages) {
  if (messages <= kMaxAppendMessages) return std::nullopt;
  // They lie in memory together, so this bound holds whether or not others are enforced.
  const bool announced = context.worker.config.limits.messages_per_command != 0;
  return no(announced ? "MESSAGELIMIT " + std::to_string(kMaxAppendMessages) : std::string(code::kLimit),
            "Too many messages in one APPEND, none is stored");
}

}  // namespace dromos::imapd
