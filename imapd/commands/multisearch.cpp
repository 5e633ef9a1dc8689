// ESEARCH: a search in several mailboxes (RFC 7377). Each is read as it is now; the selected one as the
// client knows it. What the reader may not look up or read is passed over. MESSAGELIMIT (RFC 9738) cuts a
// search of one mailbox; several with more messages are refused (§2.4), since its uid could not say where.
#include <algorithm>
#include <map>

#include "common/base/strings.h"
#include "common/store/errc.h"
#include "imapd/commands/handlers.h"
#include "imapd/commands/live_search.h"
#include "imapd/commands/mailbox_filter.h"
#include "imapd/commands/message_limit.h"

namespace dromos::imapd {
namespace {

using Kind = MailboxFilter::Kind;

/// RFC 7377 §2.4.
constexpr size_t kMaxMailboxes = 10'000;
constexpr milliseconds kMaxTime{300'000};

struct Target {
  AccountId account;
  MailboxId id;
  std::string name;
  bool selected = false;
  uint64_t messages = 0;
};

bool only_selected(const std::vector<MailboxFilter>& sources) {
  return std::all_of(sources.begin(), sources.end(),
                     [](const MailboxFilter& source) { return source.kind == Kind::selected; });
}

Task<Result<std::vector<Target>>> targets_of(Context& context, const std::vector<MailboxFilter>& sources) {
  std::vector<DecodedFilter> filters;
  for (const MailboxFilter& source : sources) filters.push_back(decoded(context, source));
  const bool with_selected =
      context.selected && std::any_of(sources.begin(), sources.end(), [](const MailboxFilter& source) {
        return source.kind == Kind::selected;
      });
  CO_TRY(const auto all, co_await reachable_mailboxes(context, filters, with_selected, store::kRead));
  std::vector<Target> targets;
  for (const NamedMailbox& mailbox : all) {
    Reach how = Reach::none;
    for (const DecodedFilter& filter : filters)
      how = std::max(how, reach(filter, context.account(), mailbox));
    const SharedMailbox* selected = context.selected ? context.selected->mailbox.get() : nullptr;
    const bool is_selected =
        selected != nullptr && selected->account() == mailbox.account && selected->id() == mailbox.mailbox.id;
    for (const MailboxFilter& source : sources)
      if (source.kind == Kind::selected && is_selected) how = Reach::named;
    const store::Rights needed = how == Reach::named ? store::kRead : store::kRead | store::kLookup;
    if (how == Reach::none || !mailbox.mailbox.selectable || !mailbox.may(needed)) continue;
    targets.push_back({mailbox.account, mailbox.mailbox.id, mailbox.name, is_selected,
                       static_cast<uint64_t>(mailbox.mailbox.all.count)});
  }
  co_return targets;
}

/// `limit`: where it is the only one.
Task<Result<void>> search_one(Context& context, const Command& command, const Target& target,
                              const SearchProgram& program, const SearchReturn& wanted, MessageLimit* limit,
                              Deadline deadline) {
  std::shared_ptr<SharedMailbox> mailbox;
  SearchScope scope;
  if (target.selected) {
    mailbox = context.selected->mailbox;
    scope = scope_of(context);
  } else {
    CO_TRY(mailbox, co_await context.worker.registry.open(target.account, target.id, deadline));
    scope.mailbox = mailbox.get();
    scope.version = mailbox->current();
    if (target.account != context.account()) {
      const auto view = mailbox->view_of(context.account());
      CO_TRY_VOID(co_await context.worker.registry.refresh(*mailbox, deadline));
      scope.version = mailbox->current(*view);
    }
    scope.unwanted = [&context] { return context.peer_gone(); };
  }
  if (limit != nullptr) {
    CO_TRY_VOID(limit->cut(scope, program));
    if (!limit->knows(wanted.partial))
      co_return fail(Errc::limit_exceeded, "That range cannot be told of so many messages");
  }
  CO_TRY(SearchHits hits, co_await search_with_scores(context.worker, scope, program, deadline));
  Found found{std::move(hits.numbers), std::move(hits.scores)};
  if (wanted.save && target.selected) context.selected->saved = to_save(*scope.version, found, wanted);
  const EsearchHead head{
      .tag = command.tag, .mailbox = target.name, .uidvalidity = mailbox->uidvalidity(), .uid = true};
  if (wanted.update && target.selected)
    keep_live(context, head, scope, program, {}, found.numbers, wanted.update_fetch);
  if (found.numbers.empty()) co_return Result<void>{};
  const uint64_t modseq = program.uses_modseq ? modseq_of(*scope.version, found, wanted) : 0;
  const std::vector<uint32_t> uids = uids_in_order(*scope.version, found.numbers);
  if (tells(wanted)) write_esearch(context.out, head, wanted, uids, found.scores, modseq);
  co_return Result<void>{};
}

/// What RFC 7377 §2.2 forbids; empty: nothing.
std::string_view objection(const Context& context, const EsearchCommand& search) {
  for (const MailboxFilter& source : search.sources)
    if (source.kind == Kind::selected_delayed) return "selected-delayed is not for ESEARCH";
  const bool names_selected =
      search.sources.empty() || std::any_of(search.sources.begin(), search.sources.end(),
                                            [](const MailboxFilter& s) { return s.kind == Kind::selected; });
  if ((names_selected || search.result.update) && !context.selected) return "No mailbox is selected";
  if (search.result.save && !only_selected(search.sources)) return "SAVE is for the selected mailbox alone";
  return return_objection(search.result, search.program, {});
}

}  // namespace

Handled handle_esearch(Context& context, const Command& command) {
  const auto& search = command.as<EsearchCommand>();
  if (const auto why = objection(context, search); !why.empty()) co_return bad(std::string(why));
  if (search.result.update && live_tag_in_use(context, command.tag)) co_return bad("Tag reuse");
  SearchProgram program = search.program;
  if (auto refused = make_utf8(program)) {
    if (search.result.save) context.selected->saved = {};
    co_return *refused;
  }
  if (program.uses_modseq) context.enable_condstore();
  std::vector<MailboxFilter> sources = search.sources;
  if (sources.empty()) sources.emplace_back();
  CO_TRY(const auto targets, co_await targets_of(context, sources));
  if (targets.size() > kMaxMailboxes) co_return no(code::kLimit, "Too many mailboxes for one search");
  const auto with_messages = [](const Target& target) { return target.messages > 0 || target.selected; };
  const bool single = std::count_if(targets.begin(), targets.end(), with_messages) == 1;
  uint64_t messages = 0;
  for (const Target& target : targets) messages += target.messages;
  MessageLimit limit(context);
  if (!single && limit.exceeded_by(messages))
    co_return no(code::kLimit, "Too many messages for one search in several mailboxes");
  const SearchReturn wanted = result_options(search.result);
  const Deadline deadline = Deadline::after(kMaxTime);
  for (const Target& target : targets) {
    if (!with_messages(target)) continue;
    const auto searched =
        co_await search_one(context, command, target, program, wanted, single ? &limit : nullptr, deadline);
    // Gone since they were listed: as if it never was.
    if (!searched && !searched.error().is(store::StoreErrc::not_found)) co_return fail(searched.error());
    const bool open = co_await context.flush_some();
    if (!open) co_return fail(Errc::closed, "connection lost");
  }
  const bool kept = context.selected && live_tag_in_use(context, command.tag);
  if (wanted.update && !kept &&
      !std::any_of(targets.begin(), targets.end(), [](const Target& t) { return t.selected; })) {
    Writer code;
    code.raw("NOUPDATE ").string(command.tag);
    context.out.untagged_status(Status::no, code.view(), "The selected mailbox is not among those searched");
  }
  co_return limit.answer(ok("Search completed"));
}

}  // namespace dromos::imapd
