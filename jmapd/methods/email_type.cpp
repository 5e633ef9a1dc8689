#include "jmapd/methods/email_type.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "common/store/errc.h"
#include "jmapd/methods/types.h"
#include "jmapd/protocol/arguments.h"
#include "jmapd/service/email_json.h"
#include "jmapd/service/email_reader.h"
#include "jmapd/service/email_search.h"

namespace dromos::jmapd {
namespace {

using nlohmann::json;

/// Emails whose facts are in memory at once.
constexpr size_t kAtOnce = 32;

void add_row_properties(json& out, const EmailRow& row, const StoredFacts* stored,
                        const EmailProperties& wanted) {
  if (wanted.wants("id")) out["id"] = to_text(row.id);
  if (wanted.wants("blobId") && stored != nullptr)
    out["blobId"] = to_text(BlobId{std::string(store::as_view(stored->blob)), {}});
  if (wanted.wants("threadId")) out["threadId"] = to_text(row.thread);
  if (wanted.wants("size")) out["size"] = row.size;
  if (wanted.wants("receivedAt")) out["receivedAt"] = utc_date(row.received_us);
  if (wanted.wants("mailboxIds")) {
    json& map = out["mailboxIds"] = json::object();
    for (const MailboxId mailbox : row.mailboxes) map[to_text(mailbox)] = true;
  }
  if (wanted.wants("keywords")) {
    json& map = out["keywords"] = json::object();
    for (const std::string& keyword : row.all_keywords()) map[keyword] = true;
  }
}

/// The whole object of one email; null if its message has gone meanwhile.
Task<Outcome<json>> email_object(Services& services, AccountId account, const EmailRow& row,
                                 const StoredFacts* stored, const EmailProperties& wanted,
                                 Deadline deadline) {
  json out = json::object();
  add_row_properties(out, row, stored, wanted);
  if (!wanted.needs_facts()) co_return out;
  if (stored == nullptr) co_return json();
  auto facts = mime::decode_facts(stored->facts);
  std::string raw;
  const bool reparse = !facts;
  const bool whole = reparse || wanted.needs_raw(*facts);
  if (whole || wanted.needs_header()) {
    const uint64_t length = whole ? 0 : std::max<uint64_t>(1, facts->tree.root().body_begin);
    auto bytes = co_await read_raw(services, account, row.id, length, deadline);
    if (!bytes && bytes.error().is(store::StoreErrc::not_found)) co_return json();
    JM_TRY(raw, std::move(bytes));
  }
  if (reparse) facts = mime::build_facts(raw);
  const EmailSource source{*facts, raw, BlobId{std::string(store::as_view(stored->blob)), {}}};
  add_message_properties(out, source, wanted);
  co_return out;
}

}  // namespace

Task<Outcome<State>> EmailType::state(Context& context, AccountId account) {
  JM_TRY(const store::AccountStates states,
         co_await context.services.changes.states(account, context.deadline));
  co_return State{states.epoch, states.email};
}

Task<Outcome<Found>> EmailType::get(Context& context, AccountId account,
                                    std::optional<std::vector<std::string>> ids, Arguments& arguments) {
  JM_TRY(const EmailProperties wanted, read_email_properties(arguments, false));
  JM_CHECK(arguments.finish());
  Services& services = context.services;
  Found found;
  JM_TRY(found.state, co_await state(context, account));  // before the rows: never newer than they are
  std::vector<MessageId> wanted_ids;
  if (ids) {
    for (const std::string& id : *ids) {
      if (const auto parsed = parse_message_id(id))
        wanted_ids.push_back(*parsed);
      else
        found.not_found.push_back(id);
    }
  } else {
    JM_TRY(const AccountData data, co_await services.account(account, context.deadline));
    if (data.view->emails().size() > context.limits().objects_in_get) co_return refuse("requestTooLarge");
    for (const EmailRow& row : data.view->emails()) wanted_ids.push_back(row.id);
  }
  for (size_t from = 0; from < wanted_ids.size(); from += kAtOnce) {
    const auto begin = wanted_ids.begin() + static_cast<long>(from);
    const std::vector<MessageId> some(begin,
                                      begin + static_cast<long>(std::min(kAtOnce, wanted_ids.size() - from)));
    JM_TRY(const auto places, co_await services.entries.places(account, some, context.deadline));
    std::map<MessageId, EmailRow> rows;
    for (EmailRow& row : join_places(places)) rows.emplace(row.id, std::move(row));
    std::map<MessageId, StoredFacts> stored;
    if (wanted.needs_facts()) {
      JM_TRY(stored, co_await facts_of(services, account, some, context.deadline));
    }
    for (const MessageId& id : some) {
      const auto row = rows.find(id);
      const auto facts = stored.find(id);
      json object;
      if (row != rows.end()) {
        JM_TRY(object, co_await email_object(services, account, row->second,
                                             facts == stored.end() ? nullptr : &facts->second, wanted,
                                             context.deadline));
      }
      if (object.is_null()) {
        if (ids) found.not_found.push_back(to_text(id));
      } else {
        found.list->push_back(std::move(object));
      }
    }
  }
  co_return found;
}

Task<Outcome<ChangedIds>> EmailType::changes(Context& context, AccountId account, int64_t since, size_t max) {
  JM_TRY(const store::AccountStates states,
         co_await context.services.changes.states(account, context.deadline));
  auto changed =
      co_await context.services.changes.emails(account, since, max == 0 ? SIZE_MAX : max, context.deadline);
  if (!changed && changed.error().is(store::StoreErrc::cannot_change))
    co_return refuse("cannotCalculateChanges");
  if (!changed) co_return tl::unexpected<MethodError>(std::move(changed).error());
  ChangedIds out;
  // Without more, the type's own state, so that it equals what /get says.
  out.new_state = {states.epoch, changed->more ? changed->new_modseq : std::max(states.email, since)};
  out.more = changed->more;
  for (const MessageId& id : changed->created) out.created.push_back(to_text(id));
  for (const MessageId& id : changed->updated) out.updated.push_back(to_text(id));
  for (const MessageId& id : changed->destroyed) out.destroyed.push_back(to_text(id));
  co_return out;
}

Task<Outcome<QueryAnswer>> EmailType::query(Context& context, AccountId account, Arguments& arguments) {
  const json* filter = arguments.object("filter");
  const json* sort = arguments.array("sort");
  EmailSearch search;
  search.collapse_threads = arguments.boolean("collapseThreads", false);
  JM_CHECK(arguments.finish());
  JM_TRY(search.filter, EmailFilter::parse(filter));
  JM_TRY(search.sort, parse_sort(sort));
  JM_TRY(const AccountData data, co_await context.services.account(account, context.deadline));
  QueryAnswer out;
  out.state = {data.tree.state_epoch, data.tree.email_modseq};
  out.can_calculate_changes = !search.collapse_threads && !search.filter.looks_at_thread() &&
                              std::none_of(search.sort.begin(), search.sort.end(),
                                           [](const SortKey& k) { return k.looks_at_thread(); });
  JM_TRY(const auto rows,
         co_await search_emails(context.services, account, data.view, search, context.deadline));
  out.ids.reserve(rows.size());
  for (const EmailRow* row : rows) out.ids.push_back(to_text(row->id));
  co_return out;
}

std::shared_ptr<ObjectType> make_email_type() {
  return std::make_shared<EmailType>();
}

}  // namespace dromos::jmapd
