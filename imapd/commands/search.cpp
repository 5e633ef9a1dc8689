// SEARCH and UID SEARCH (RFC 9051 §6.4.4), RETURN options (RFC 4731), SAVE (RFC 5182), PARTIAL (RFC 9394),
// UPDATE (RFC 5267), RELEVANCY (RFC 6203), MESSAGELIMIT (RFC 9738), charsets.
#include "imapd/service/search.h"

#include <utility>

#include "imapd/commands/handlers.h"
#include "imapd/commands/live_search.h"
#include "imapd/commands/message_limit.h"
#include "imapd/commands/search_answer.h"

namespace dromos::imapd {
namespace {

/// Response to a plain SEARCH before IMAP4rev2.
void write_search(Context& context, const std::vector<uint32_t>& found, uint64_t modseq) {
  Writer& out = context.out;
  out.untagged().raw("SEARCH");
  for (const uint32_t number : found) out.sp().number(number);
  if (modseq > 0) out.raw(" (MODSEQ ").number(modseq).ch(')');
  out.crlf();
}

}  // namespace

Handled handle_search(Context& context, const Command& command) {
  const auto& search = command.as<SearchCommand>();
  Selected& selected = *context.selected;
  if (const auto why = return_objection(search.result, search.program, {}); !why.empty())
    co_return bad(std::string(why));
  if (search.result.update && live_tag_in_use(context, command.tag)) co_return bad("Tag reuse");
  SearchProgram program = search.program;
  if (context.enabled.utf8 && !program.charset.empty())
    co_return bad("CHARSET has no place where UTF8=ACCEPT is enabled");  // RFC 6855 §3
  if (auto refused = make_utf8(program)) {
    if (search.result.save) selected.saved = {};
    co_return *refused;
  }
  if (program.uses_modseq) context.enable_condstore();
  SearchScope scope = scope_of(context);
  MessageLimit limit(context);
  if (const auto cut = limit.cut(scope, program); !cut) co_return bad(cut.error().message());
  // `$` names the old result, also in a search that saves a new one. NO leaves none, BAD the old one
  // (RFC 5182 §2.1).
  if (search.result.save) selected.saved = {};
  if (!limit.knows(search.result.partial))
    co_return limit.refusal("That range cannot be told of so many messages");
  auto searched = co_await search_with_scores(context.worker, scope, program, search_deadline());
  if (!searched) {
    if (searched.error().is(Errc::invalid_argument)) selected.saved = scope.saved;
    co_return fail(std::move(searched).error());
  }
  const Found found{std::move(searched->numbers), std::move(searched->scores)};

  const SearchReturn wanted = result_options(search.result);
  const uint64_t modseq = program.uses_modseq ? modseq_of(*scope.version, found, wanted) : 0;
  if (wanted.save) selected.saved = to_save(*scope.version, found, wanted);
  const std::vector<uint32_t> shown =
      command.uid ? uids_in_order(*scope.version, found.numbers) : found.numbers;
  const EsearchHead head{.tag = command.tag, .uid = command.uid};
  if (!search.result.given && !context.enabled.rev2)
    write_search(context, shown, modseq);
  else if (tells(wanted))
    write_esearch(context.out, head, wanted, shown, found.scores, modseq);
  if (wanted.update)
    keep_live(context, head, scope, std::move(program), {}, found.numbers, wanted.update_fetch);
  co_return limit.answer(ok("Search completed"));
}

}  // namespace dromos::imapd
