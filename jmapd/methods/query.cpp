// /query and /queryChanges (RFC 8620 §5.5, §5.6) over ObjectType.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_map>
#include <unordered_set>

#include "jmapd/methods/object_type.h"
#include "jmapd/protocol/arguments.h"

namespace dromos::jmapd {
namespace {

using nlohmann::json;

struct Window {
  int64_t position = 0;
  std::optional<std::string> anchor;
  int64_t anchor_offset = 0;
  std::optional<uint64_t> limit;
  bool total = false;
};

Window read_window(Arguments& arguments) {
  Window out;
  out.position = arguments.integer("position").value_or(0);
  out.anchor = arguments.text("anchor");
  out.anchor_offset = arguments.integer("anchorOffset").value_or(0);
  out.limit = arguments.unsigned_integer("limit");
  out.total = arguments.boolean("calculateTotal", false);
  return out;
}

/// Index of the first id in the answer.
Outcome<size_t> first_of(const Window& window, const std::vector<std::string>& ids) {
  const auto size = static_cast<int64_t>(ids.size());
  int64_t at = window.position;
  if (window.anchor) {
    const auto found = std::find(ids.begin(), ids.end(), *window.anchor);
    if (found == ids.end()) return refuse("anchorNotFound");
    at = std::max<int64_t>(0, found - ids.begin() + window.anchor_offset);
  } else if (at < 0) {
    at = std::max<int64_t>(0, size + at);
  }
  return static_cast<size_t>(std::min(at, size));
}

}  // namespace

Task<Outcome<json>> standard_query(Context& context, ObjectType& type, json given) {
  Arguments arguments(given);
  JM_TRY(const AccountId account, context.account(arguments));
  const Window window = read_window(arguments);
  JM_TRY(QueryAnswer found, co_await type.query(context, account, arguments));
  JM_TRY(const size_t first, first_of(window, found.ids));
  const size_t limit = std::min<uint64_t>(window.limit.value_or(kMaxQueryIds), kMaxQueryIds);
  const size_t last = std::min(found.ids.size(), first + limit);
  json ids = json::array();
  for (size_t i = first; i < last; ++i) ids.push_back(std::move(found.ids[i]));
  json answer = {{"accountId", to_text(account)},
                 {"queryState", to_text(found.state)},
                 {"canCalculateChanges", found.can_calculate_changes},
                 {"position", first}};
  if (window.total) answer["total"] = found.ids.size();
  if (!window.limit || *window.limit > kMaxQueryIds) answer["limit"] = kMaxQueryIds;
  answer["ids"] = std::move(ids);
  co_return answer;
}

Task<Outcome<json>> standard_query_changes(Context& context, ObjectType& type, json given) {
  Arguments arguments(given);
  JM_TRY(const AccountId account, context.account(arguments));
  const auto since_text = arguments.text("sinceQueryState");
  const auto max = arguments.unsigned_integer("maxChanges");
  const auto up_to = arguments.text("upToId");  // an offer to save work that we need not take
  const bool total = arguments.boolean("calculateTotal", false);
  JM_TRY(QueryAnswer now, co_await type.query(context, account, arguments));
  if (!since_text) co_return invalid_arguments("sinceQueryState is missing");
  const auto since = parse_state(*since_text);
  if (!since || since->epoch != now.state.epoch || since->modseq > now.state.modseq ||
      !now.can_calculate_changes)
    co_return refuse("cannotCalculateChanges");
  JM_TRY(const ChangedIds changed, co_await type.changes(context, account, since->modseq, 0));
  // Whatever changed is taken out and, where it belongs now, put in again: right for every filter and sort
  // that looks at nothing but the record itself.
  std::unordered_set<std::string> touched;
  json removed = json::array();
  for (const auto* list : {&changed.updated, &changed.destroyed})
    for (const std::string& id : *list) {
      touched.insert(id);
      removed.push_back(id);
    }
  touched.insert(changed.created.begin(), changed.created.end());
  json added = json::array();
  for (size_t i = 0; i < now.ids.size(); ++i)
    if (touched.contains(now.ids[i])) added.push_back({{"id", now.ids[i]}, {"index", i}});
  if (max && removed.size() + added.size() > *max) co_return refuse("tooManyChanges");
  json answer = {
      {"accountId", to_text(account)}, {"oldQueryState", *since_text}, {"newQueryState", to_text(now.state)}};
  if (total) answer["total"] = now.ids.size();
  answer["removed"] = std::move(removed);
  answer["added"] = std::move(added);
  co_return answer;
}

}  // namespace dromos::jmapd
