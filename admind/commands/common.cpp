#include "admind/commands/common.h"

#include "common/base/strings.h"

namespace dromos::admind {

std::vector<Field> page_fields(std::vector<Field> more) {
  more.push_back(integer("limit", "items a page; 100 if absent").within(1, kMaxPage));
  more.push_back(text("after", "`next` of the page before").within(1, 512));
  return more;
}

Page page_of(const Call& call) {
  return {call.word("after"), call.query.value("limit", kDefaultPage)};
}

Result<int64_t> after_number(const Page& page) {
  if (page.after.empty()) return 0;
  const auto number = parse_number<int64_t>(page.after);
  if (!number || *number < 0)
    return fail(Errc::invalid_argument,
                "?after must be the `next` of an earlier page, not \"" + page.after + "\"");
  return *number;
}

json time_or_null(std::optional<int64_t> us) {
  return us ? json(to_rfc3339(*us)) : json(nullptr);
}

Reply whole(json items) {
  return Reply{{{"items", std::move(items)}, {"next", nullptr}}, {}};
}

}  // namespace dromos::admind
