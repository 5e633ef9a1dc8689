// SORT and UID SORT (RFC 5256 §3), with RETURN options (ESORT: RFC 5267 §3) and display names (RFC 5957).
#include <algorithm>

#include "imapd/commands/handlers.h"
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

bool has(const std::vector<SortKey>& keys, SortKey::Kind kind) {
  return std::any_of(keys.begin(), keys.end(), [kind](const SortKey& key) { return key.kind == kind; });
}

}  // namespace

Handled handle_sort(Context& context, const Command& command) {
  const auto& sort = command.as<SortCommand>();
  Selected& selected = *context.selected;
  if (sort.result.update || sort.result.context || sort.result.relevancy)
    co_return bad("A RETURN option is not offered");
  if (has(sort.keys, SortKey::Kind::relevancy)) co_return bad("RELEVANCY is not offered");
  SearchProgram program = sort.program;
  if (auto refused = make_utf8(program)) {
    if (sort.result.save) selected.saved = {};
    co_return *refused;
  }
  if (program.uses_modseq) context.enabled.condstore = true;
  const SearchScope scope = scope_of(context);
  if (sort.result.save) selected.saved = {};
  const Deadline deadline = search_deadline();
  auto searched = co_await run_search(context.worker, scope, program, deadline);
  if (!searched) {
    if (searched.error().is(Errc::invalid_argument)) selected.saved = scope.saved;
    co_return fail(std::move(searched).error());
  }
  Found found;
  CO_TRY(found.numbers,
         co_await sort_messages(context.worker, scope, sort.keys, std::move(*searched), {}, deadline));

  const SearchReturn wanted = result_options(sort.result);
  const uint64_t modseq = program.uses_modseq ? modseq_of(*scope.version, found, wanted) : 0;
  if (wanted.save) selected.saved = to_save(*scope.version, found, wanted);
  const std::vector<uint32_t> shown =
      command.uid ? uids_in_order(*scope.version, found.numbers) : std::move(found.numbers);
  if (!sort.result.given)
    write_sort(context, shown, modseq);
  else if (tells(wanted))
    write_esearch(context.out, {.tag = command.tag, .uid = command.uid}, wanted, shown, {}, modseq);
  co_return ok("Sort completed");
}

}  // namespace dromos::imapd
