#include "common/store/uid_set.h"

#include <algorithm>

#include "common/base/strings.h"

namespace dromos::store {

UidSet UidSet::range(uint32_t first, uint32_t last) {
  UidSet set;
  set.add(first, last);
  return set;
}

UidSet UidSet::of(std::vector<uint32_t> uids) {
  std::sort(uids.begin(), uids.end());
  UidSet set;
  for (uint32_t uid : uids) set.add(uid);
  return set;
}

void UidSet::add(uint32_t first, uint32_t last) {
  if (first > last) std::swap(first, last);
  // The usual case: behind or at the end.
  if (ranges_.empty() || first > static_cast<uint64_t>(ranges_.back().last) + 1) {
    ranges_.push_back({first, last});
    return;
  }
  auto at = std::lower_bound(ranges_.begin(), ranges_.end(), first, [](const Range& range, uint32_t uid) {
    return static_cast<uint64_t>(range.last) + 1 < uid;
  });
  auto end = at;
  while (end != ranges_.end() && end->first <= static_cast<uint64_t>(last) + 1) {
    first = std::min(first, end->first);
    last = std::max(last, end->last);
    ++end;
  }
  if (at == end) {
    ranges_.insert(at, {first, last});
  } else {
    *at = {first, last};
    ranges_.erase(at + 1, end);
  }
}

bool UidSet::contains(uint32_t uid) const {
  auto at = std::lower_bound(ranges_.begin(), ranges_.end(), uid,
                             [](const Range& range, uint32_t value) { return range.last < value; });
  return at != ranges_.end() && at->first <= uid;
}

uint64_t UidSet::count() const {
  uint64_t sum = 0;
  for (const Range& range : ranges_) sum += static_cast<uint64_t>(range.last) - range.first + 1;
  return sum;
}

std::vector<uint32_t> UidSet::expand() const {
  std::vector<uint32_t> uids;
  uids.reserve(count());
  for (const Range& range : ranges_)
    for (uint64_t uid = range.first; uid <= range.last; ++uid) uids.push_back(static_cast<uint32_t>(uid));
  return uids;
}

std::string UidSet::to_sql() const {
  std::string text = "{";
  for (const Range& range : ranges_) {
    if (text.size() > 1) text += ',';
    text +=
        '[' + std::to_string(range.first) + ',' + std::to_string(static_cast<uint64_t>(range.last) + 1) + ')';
  }
  return text + '}';
}

std::optional<UidSet> UidSet::parse_sql(std::string_view text) {
  if (text.size() < 2 || text.front() != '{' || text.back() != '}') return std::nullopt;
  text = text.substr(1, text.size() - 2);
  UidSet set;
  while (!text.empty()) {
    const size_t comma = text.find(',');
    const size_t close = text.find(')');
    if (text[0] != '[' || comma == std::string_view::npos || close == std::string_view::npos || comma > close)
      return std::nullopt;
    const auto first = parse_number<uint64_t>(text.substr(1, comma - 1));
    const auto end = parse_number<uint64_t>(text.substr(comma + 1, close - comma - 1));
    if (!first || !end || *end <= *first || *end > uint64_t{UINT32_MAX} + 1) return std::nullopt;
    set.add(static_cast<uint32_t>(*first), static_cast<uint32_t>(*end - 1));
    text.remove_prefix(close + 1);
    if (!text.empty()) {
      if (text[0] != ',') return std::nullopt;
      text.remove_prefix(1);
    }
  }
  return set;
}

}  // namespace dromos::store
