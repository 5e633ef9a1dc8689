// What the resources share: pages, and their list.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "admind/api/operation.h"
#include "common/base/clock.h"

namespace dromos::admind {

using nlohmann::json;

inline constexpr int kDefaultPage = 100;
inline constexpr int kMaxPage =
    999;  // the database gives at most 1,000: one more tells whether there is a next page

struct Page {
  std::string after;
  int limit = kDefaultPage;
};

/// limit and after, and what else the list may be narrowed by.
std::vector<Field> page_fields(std::vector<Field> more = {});
Page page_of(const Call& call);
/// Page::after as the number that it was given out as.
Result<int64_t> after_number(const Page& page);

json time_or_null(std::optional<int64_t> us);

/// `found` holds up to limit + 1 rows.
template <class Rows, class ToJson, class Key>
Reply paged(Rows found, const Page& page, ToJson to_json, Key key) {
  const bool more = found.size() > static_cast<size_t>(page.limit);
  if (more) found.resize(static_cast<size_t>(page.limit));
  json items = json::array();
  for (const auto& row : found) items.push_back(to_json(row));
  json next = more ? json(key(found.back())) : json(nullptr);
  return Reply{{{"items", std::move(items)}, {"next", std::move(next)}}, {}};
}
/// A list that is whole.
Reply whole(json items);

Resource domains();
Resource accounts();
Resource addresses();
Resource secrets();
Resource sharing();
Resource reindex();
Resource administrators();
Resource queue();
Resource traces();
Resource sessions();
Resource settings();
Resource audit();
Resource health();
Resource jobs();
Resource self();

}  // namespace dromos::admind
