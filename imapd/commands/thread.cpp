// THREAD and UID THREAD (RFC 5256 §3): REFERENCES and ORDEREDSUBJECT.
#include "imapd/commands/handlers.h"
#include "imapd/commands/message_limit.h"
#include "imapd/commands/search_answer.h"
#include "imapd/service/sorting.h"

namespace dromos::imapd {

Handled handle_thread(Context& context, const Command& command) {
  const auto& thread = command.as<ThreadCommand>();
  if (thread.algorithm != "REFERENCES" && thread.algorithm != "ORDEREDSUBJECT")
    co_return bad("Unknown threading algorithm");
  const ThreadAlgorithm algorithm =
      thread.algorithm == "REFERENCES" ? ThreadAlgorithm::references : ThreadAlgorithm::ordered_subject;
  SearchProgram program = thread.program;
  if (auto refused = make_utf8(program)) co_return *refused;
  if (program.uses_modseq) context.enable_condstore();
  SearchScope scope = scope_of(context);
  MessageLimit limit(context);
  CO_TRY_VOID(limit.cut(scope, program));
  // Part of a thread is none (RFC 9738 §3.3).
  if (limit.reached()) co_return limit.refusal("Too many messages to be threaded");
  const Deadline deadline = search_deadline();
  CO_TRY(auto found, co_await run_search(context.worker, scope, program, deadline));
  CO_TRY(const std::string threads,
         co_await thread_messages(context.worker, scope, algorithm, std::move(found), command.uid, deadline));
  context.out.untagged().raw(threads.empty() ? "THREAD" : "THREAD ").raw(threads).crlf();
  co_return ok("Thread completed");
}

}  // namespace dromos::imapd
