// SORT and UID SORT (RFC 5256 §3), with RETURN options (ESORT, UPDATE: RFC 5267), display names (RFC 5957)
// and RELEVANCY (RFC 6203).
#include <algorithm>

#include "imapd/commands/handlers.h"
#include "imapd/commands/live_search.h"
#include "imapd/commands/search_answer.h"
#include "imapd/service/sorting.h"

namespace dromos::imapd {
namespace {

void write_sort(Context& context, const std::vector<uint32_t>& sorted, uint64_t modseq) {
  Writer& out = context.out;
  out.untagged().raw("SORT");
  for (const uint32_t number : sorted) out.sp().number(number);
  if (modseq > 0) out.raw(" (MODSEQ ").number(modseq).ch(')');
  out.crlf();
}

/// The scores of `sorted`, of which those of the ascending `numbers` are known.
std::vector<uint8_t> scores_in_order(const std::vector<uint32_t>& sorted, const SearchHits& hits) {
  std::vector<uint8_t> scores;
  if (hits.scores.empty()) return scores;
  for (const uint32_t number : sorted) {
    const auto at = std::lower_bound(hits.numbers.begin(), hits.numbers.end(), number);
    scores.push_back(hits.scores[static_cast<size_t>(at - hits.numbers.begin())]);
  }
  return scores;
}

}  // namespace

Handled handle_sort(Context& context, const Command& command) {
  const auto& sort = command.as<SortCommand>();
  Selected& selected = *context.selected;
  if (const auto why = return_objection(sort.result, sort.program, sort.keys); !why.empty())
    co_return bad(std::string(why));
  if (sort.result.update && live_tag_in_use(context, command.tag)) co_return bad("Tag reuse");
  SearchProgram program = sort.program;
  if (auto refused = make_utf8(program)) {
    if (sort.result.save) selected.saved = {};
    co_return *refused;
  }
  if (program.uses_modseq) context.enable_condstore();
  const SearchScope scope = scope_of(context);
  if (sort.result.save) selected.saved = {};
  const Deadline deadline = search_deadline();
  auto searched = co_await search_with_scores(context.worker, scope, program, deadline);
  if (!searched) {
    if (searched.error().is(Errc::invalid_argument)) selected.saved = scope.saved;
    co_return fail(std::move(searched).error());
  }
  Found found;
  CO_TRY(found.numbers, co_await sort_messages(context.worker, scope, sort.keys, searched->numbers,
                                               searched->scores, deadline));
  found.scores = scores_in_order(found.numbers, *searched);

  const SearchReturn wanted = result_options(sort.result);
  const uint64_t modseq = program.uses_modseq ? modseq_of(*scope.version, found, wanted) : 0;
  if (wanted.save) selected.saved = to_save(*scope.version, found, wanted);
  const std::vector<uint32_t> shown =
      command.uid ? uids_in_order(*scope.version, found.numbers) : found.numbers;
  const EsearchHead head{.tag = command.tag, .uid = command.uid};
  if (!sort.result.given)
    write_sort(context, shown, modseq);
  else if (tells(wanted))
    write_esearch(context.out, head, wanted, shown, found.scores, modseq);
  if (wanted.update)
    keep_live(context, head, scope, std::move(program), sort.keys, found.numbers, wanted.update_fetch);
  co_return ok("Sort completed");
}

}  // namespace dromos::imapd
