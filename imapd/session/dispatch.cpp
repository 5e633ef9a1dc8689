#include "imapd/session/dispatch.h"

#include <algorithm>
#include <array>

#include "common/log/log.h"
#include "common/metrics/metrics.h"
#include "common/store/errc.h"
#include "imapd/commands/handlers.h"
#include "imapd/commands/notify.h"
#include "imapd/commands/progress.h"
#include "imapd/commands/settle.h"

namespace dromos::imapd {
namespace {

using Handler = Handled (*)(Context&, const Command&);

enum class Allowed : uint8_t { always, before_login, after_login, selected };
enum class News : uint8_t { none, all, by_form };  // by_form: no EXPUNGE unless it is the UID form

struct Entry {
  Verb verb;
  Handler handler;
  Allowed allowed;
  News news = News::all;
};

constexpr Entry kEntries[] = {
    {Verb::append, handle_append, Allowed::after_login},
    {Verb::authenticate, handle_authenticate, Allowed::before_login, News::none},
    {Verb::cancel_update, handle_cancel_update, Allowed::selected},
    {Verb::capability, handle_capability, Allowed::always},
    {Verb::check, handle_check, Allowed::selected},
    {Verb::close, handle_close, Allowed::selected, News::none},
    {Verb::compress, handle_compress, Allowed::after_login, News::none},
    {Verb::copy, handle_copy, Allowed::selected},
    {Verb::create, handle_create, Allowed::after_login},
    {Verb::delete_acl, handle_acl, Allowed::after_login},
    {Verb::delete_mailbox, handle_delete, Allowed::after_login},
    {Verb::enable, handle_enable, Allowed::after_login, News::none},
    {Verb::esearch, handle_esearch, Allowed::after_login},
    {Verb::examine, handle_select, Allowed::after_login, News::none},
    {Verb::expunge, handle_expunge, Allowed::selected},
    {Verb::fetch, handle_fetch, Allowed::selected, News::by_form},
    {Verb::get_acl, handle_acl, Allowed::after_login},
    {Verb::gen_url_auth, handle_gen_url_auth, Allowed::after_login},
    {Verb::get_metadata, handle_get_metadata, Allowed::after_login},
    {Verb::get_quota, handle_get_quota, Allowed::after_login},
    {Verb::get_quota_root, handle_get_quota_root, Allowed::after_login},
    {Verb::id, handle_id, Allowed::always},
    {Verb::idle, handle_idle, Allowed::after_login},
    {Verb::list_rights, handle_acl, Allowed::after_login},
    {Verb::language, handle_language, Allowed::always, News::none},
    {Verb::list, handle_list, Allowed::after_login},
    {Verb::login, handle_login, Allowed::before_login, News::none},
    {Verb::logout, handle_logout, Allowed::always, News::none},
    {Verb::lsub, handle_list, Allowed::after_login},
    {Verb::move, handle_copy, Allowed::selected},
    {Verb::my_rights, handle_my_rights, Allowed::after_login},
    {Verb::name_space, handle_namespace, Allowed::after_login},
    {Verb::noop, handle_noop, Allowed::always},
    {Verb::notify, handle_notify, Allowed::after_login, News::none},
    {Verb::rename, handle_rename, Allowed::after_login},
    {Verb::replace, handle_replace, Allowed::selected},
    {Verb::reset_key, handle_reset_key, Allowed::after_login},
    {Verb::search, handle_search, Allowed::selected, News::by_form},
    {Verb::select, handle_select, Allowed::after_login, News::none},
    {Verb::set_acl, handle_acl, Allowed::after_login},
    {Verb::set_quota, handle_set_quota, Allowed::after_login},
    {Verb::set_metadata, handle_set_metadata, Allowed::after_login},
    {Verb::sort, handle_sort, Allowed::selected, News::by_form},
    {Verb::start_tls, handle_start_tls, Allowed::before_login, News::none},
    {Verb::status, handle_status, Allowed::after_login},
    {Verb::store, handle_store, Allowed::selected, News::by_form},
    {Verb::subscribe, handle_subscribe, Allowed::after_login},
    {Verb::unauthenticate, handle_unauthenticate, Allowed::after_login, News::none},
    {Verb::thread, handle_thread, Allowed::selected, News::by_form},
    {Verb::unselect, handle_unselect, Allowed::selected, News::none},
    {Verb::unsubscribe, handle_subscribe, Allowed::after_login},
    {Verb::url_fetch, handle_url_fetch, Allowed::after_login},
};

const Entry* entry_of(Verb verb) {
  static const auto table = [] {
    std::array<const Entry*, kVerbCount> made{};
    for (const Entry& entry : kEntries) made[static_cast<size_t>(entry.verb)] = &entry;
    return made;
  }();
  return table[static_cast<size_t>(verb)];
}

bool changes_messages(Verb verb) {
  return verb == Verb::store || verb == Verb::expunge || verb == Verb::move || verb == Verb::fetch;
}

/// UIDONLY (RFC 9586 §3): what names messages by number.
bool names_numbers(const SearchKey& key) {
  if (key.kind == SearchKey::Kind::sequence && !key.set.saved_result) return true;
  return std::any_of(key.children.begin(), key.children.end(), names_numbers);
}

bool names_numbers(const Command& command) {
  switch (command.verb) {
    case Verb::copy:
    case Verb::fetch:
    case Verb::move:
    case Verb::replace:
    case Verb::store:
      return !command.uid;
    case Verb::esearch:
      return names_numbers(command.as<EsearchCommand>().program.root);
    case Verb::search:
      return !command.uid || names_numbers(command.as<SearchCommand>().program.root);
    case Verb::sort:
      return !command.uid || names_numbers(command.as<SortCommand>().program.root);
    case Verb::thread:
      return !command.uid || names_numbers(command.as<ThreadCommand>().program.root);
    case Verb::select:
    case Verb::examine:
      return command.as<SelectCommand>().qresync && command.as<SelectCommand>().qresync->seq_match;
    default:
      return false;
  }
}

/// Why the command may not come now; empty if it may.
std::string_view objection(const Context& context, Allowed allowed) {
  const bool logged_in = context.state != State::not_authenticated;
  switch (allowed) {
    case Allowed::always:
      return {};
    case Allowed::before_login:
      return logged_in ? "Already logged in" : "";
    case Allowed::after_login:
      return logged_in ? "" : "Log in first";
    case Allowed::selected:
      if (!logged_in) return "Log in first";
      return context.selected ? "" : "No mailbox is selected";
  }
  return {};
}

Task<Result<Reply>> run(Context& context, const Entry& entry, const Command& command) {
  // An exception is a bug or the end of memory: it costs this command, not the session.
  std::string what;
  try {
    // What a reader may do with another's mailbox can change between two commands.
    if (entry.allowed == Allowed::selected) CO_TRY_VOID(co_await refresh_rights(context));
    co_return co_await entry.handler(context, command);
  } catch (const std::exception& e) {
    what = e.what();
  }
  log::error("command.failed", {{"trace", context.trace}, {"verb", name(command.verb)}, {"err", what}});
  co_return fail(Errc::internal, "exception");
}

/// Commands that may take long, and wait only where no response is half written.
bool ticks(Verb verb) {
  switch (verb) {
    case Verb::copy:
    case Verb::delete_mailbox:
    case Verb::esearch:
    case Verb::expunge:
    case Verb::move:
    case Verb::rename:
    case Verb::search:
    case Verb::sort:
    case Verb::store:
    case Verb::thread:
      return true;
    default:
      return false;
  }
}

Task<Result<Reply>> run_reporting(Context& context, const Entry& entry, const Command& command) {
  if (!ticks(command.verb) && command.verb != Verb::fetch) co_return co_await run(context, entry, command);
  Progress progress(context, command.tag, ticks(command.verb));
  auto result = co_await run(context, entry, command);
  co_await progress.close();
  co_return result;
}

void write_answer(Context& context, const Command& command, const Result<Reply>& result) {
  if (!result && !result.error().may_retry())
    log::debug("command.refused",
               {{"trace", context.trace}, {"verb", name(command.verb)}, {"err", result.error()}});
  const Reply reply = result ? *result : reply_for(result.error());
  if (!result && result.error().may_retry())
    log::warn("command.unavailable",
              {{"trace", context.trace}, {"verb", name(command.verb)}, {"err", result.error()}});
  context.out.response(command.tag, reply.status, reply.code, reply.text);
}

}  // namespace

Task<void> dispatch(Context& context, Command command) {
  static metrics::Counter& commands =
      metrics::counter("dromos_imapd_commands_total", "Commands of all sessions.");
  commands.add();
  const Entry* entry = entry_of(command.verb);
  if (entry == nullptr) {
    context.out.response(command.tag, Status::bad, "", "Not offered here");
    co_return;
  }
  if (context.enabled.uid_only && names_numbers(command)) {
    context.out.response(command.tag, Status::bad, code::kUidRequired, "UIDONLY is enabled");
    co_return;
  }
  if (const std::string_view why = objection(context, entry->allowed); !why.empty()) {
    context.out.response(command.tag, Status::bad, "", why);
    co_return;
  }
  context.activity = name(command.verb);
  const Result<Reply> result = co_await run_reporting(context, *entry, command);
  // What the command did or did not do shows in the mailbox; NO comes with its state.
  if (!result && result.error().is(store::StoreErrc::unknown) && context.selected)
    (void)co_await settle(context, {}, true);
  context.activity = "waiting";
  if (context.broken) co_return;
  if (context.selected && context.selected->mailbox->gone()) context.ending = true;  // deleted by others: BYE
  if (entry->news != News::none) {
    const bool hold = entry->news == News::by_form && !command.uid;
    const Expunges expunges = hold ? Expunges::hold : Expunges::tell;
    // What a command of this session did is its answer, whatever NOTIFY says of news.
    if (context.notify && context.selected && changes_messages(command.verb)) sync(context, expunges);
    co_await tell_news(context, expunges, false);
    if (context.broken) co_return;
  }
  if (result && result->text.empty()) co_return;  // the handler has answered itself
  write_answer(context, command, result);
}

}  // namespace dromos::imapd
