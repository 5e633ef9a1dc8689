#include "imapd/protocol/sequence_set.h"

#include <algorithm>
#include <charconv>

#include "common/base/strings.h"

namespace dromos::imapd {
namespace {

void append_number(std::string& out, uint32_t number) {
  char digits[10];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  out.append(digits, static_cast<size_t>(end - digits));
}

void append_range(std::string& out, uint32_t first, uint32_t last) {
  append_number(out, first);
  if (last == first) return;
  out.push_back(':');
  append_number(out, last);
}

bool touches(const NumberRange& left, const NumberRange& right) {
  return right.first <= left.last || right.first - left.last == 1;
}

/// A number or `*` at the front of `text`; false if there is neither, or 0, or too much.
bool take_number(std::string_view& text, uint32_t& number) {
  if (!text.empty() && text[0] == '*') {
    number = SequenceSet::kStar;
    text.remove_prefix(1);
    return true;
  }
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (ec != std::errc{} || number == 0) return false;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return true;
}

}  // namespace

NumberSet::NumberSet(std::vector<NumberRange> ranges) : ranges_(std::move(ranges)) {
  for (NumberRange& range : ranges_)
    if (range.first > range.last) std::swap(range.first, range.last);
  const auto before = [](const NumberRange& a, const NumberRange& b) { return a.first < b.first; };
  if (!std::is_sorted(ranges_.begin(), ranges_.end(), before))
    std::sort(ranges_.begin(), ranges_.end(), before);
  size_t kept = 0;
  for (size_t i = 1; i < ranges_.size(); ++i) {
    if (touches(ranges_[kept], ranges_[i]))
      ranges_[kept].last = std::max(ranges_[kept].last, ranges_[i].last);
    else
      ranges_[++kept] = ranges_[i];
  }
  if (!ranges_.empty()) ranges_.resize(kept + 1);
}

NumberSet NumberSet::of_sorted(std::span<const uint32_t> numbers) {
  NumberSet set;
  for (const uint32_t number : numbers) set.add(number);
  return set;
}

void NumberSet::add(uint32_t first, uint32_t last) {
  if (first > last) std::swap(first, last);
  if (ranges_.empty() || first > ranges_.back().last) {
    if (!ranges_.empty() && touches(ranges_.back(), {first, last}))
      ranges_.back().last = last;
    else
      ranges_.push_back({first, last});
    return;
  }
  // The ranges that the new one overlaps or touches become one with it.
  auto from = std::lower_bound(ranges_.begin(), ranges_.end(), first,
                               [](const NumberRange& r, uint32_t n) { return r.last < n && n - r.last > 1; });
  auto to = from;
  while (to != ranges_.end() && touches({first, last}, *to)) {
    first = std::min(first, to->first);
    last = std::max(last, to->last);
    ++to;
  }
  if (from == to) {
    ranges_.insert(from, {first, last});
  } else {
    *from = {first, last};
    ranges_.erase(from + 1, to);
  }
}

uint64_t NumberSet::count() const {
  uint64_t sum = 0;
  for (const NumberRange& range : ranges_) sum += range.count();
  return sum;
}

bool NumberSet::contains(uint32_t number) const {
  const auto after = std::upper_bound(ranges_.begin(), ranges_.end(), number,
                                      [](uint32_t n, const NumberRange& r) { return n < r.first; });
  return after != ranges_.begin() && number <= (after - 1)->last;
}

std::vector<std::pair<size_t, size_t>> NumberSet::intersect_indices(std::span<const uint32_t> numbers) const {
  std::vector<std::pair<size_t, size_t>> found;
  auto at = numbers.begin();
  for (const NumberRange& range : ranges_) {
    at = std::lower_bound(at, numbers.end(), range.first);
    if (at == numbers.end()) break;
    const auto end = std::upper_bound(at, numbers.end(), range.last);
    if (at == end) continue;
    const auto begin_index = static_cast<size_t>(at - numbers.begin());
    const auto end_index = static_cast<size_t>(end - numbers.begin());
    if (!found.empty() && found.back().second == begin_index)
      found.back().second = end_index;
    else
      found.emplace_back(begin_index, end_index);
    at = end;
  }
  return found;
}

std::vector<uint32_t> NumberSet::intersect(std::span<const uint32_t> numbers) const {
  std::vector<uint32_t> found;
  for (const auto& [begin, end] : intersect_indices(numbers))
    found.insert(found.end(), numbers.begin() + static_cast<ptrdiff_t>(begin),
                 numbers.begin() + static_cast<ptrdiff_t>(end));
  return found;
}

NumberSet NumberSet::intersect(const NumberSet& other) const {
  NumberSet result;
  auto a = ranges_.begin();
  auto b = other.ranges_.begin();
  while (a != ranges_.end() && b != other.ranges_.end()) {
    const uint32_t first = std::max(a->first, b->first);
    const uint32_t last = std::min(a->last, b->last);
    if (first <= last) result.ranges_.push_back({first, last});
    if (a->last < b->last)
      ++a;
    else
      ++b;
  }
  return result;
}

NumberSet NumberSet::subtract(const NumberSet& other) const {
  NumberSet result;
  auto b = other.ranges_.begin();
  for (const NumberRange& range : ranges_) {
    uint64_t next = range.first;
    while (b != other.ranges_.end() && b->last < range.first) ++b;
    for (auto cut = b; cut != other.ranges_.end() && cut->first <= range.last; ++cut) {
      if (cut->first > next) result.ranges_.push_back({static_cast<uint32_t>(next), cut->first - 1});
      next = uint64_t{cut->last} + 1;
      if (cut->last <= range.last) b = cut;
    }
    if (next <= range.last) result.ranges_.push_back({static_cast<uint32_t>(next), range.last});
  }
  return result;
}

NumberSet NumberSet::highest(uint64_t count) const {
  NumberSet result;
  auto first = ranges_.end();
  uint64_t left = count;
  while (left > 0 && first != ranges_.begin()) left -= std::min(left, (--first)->count());
  result.ranges_.assign(first, ranges_.end());
  const uint64_t taken = result.count();
  if (taken > count) result.ranges_.front().first += static_cast<uint32_t>(taken - count);
  return result;
}

std::string NumberSet::format() const {
  std::string out;
  append_ranges(out, *this);
  return out;
}

std::optional<SequenceSet> SequenceSet::parse(std::string_view text) {
  SequenceSet set;
  if (text == "$") {
    set.saved_result = true;
    return set;
  }
  while (true) {
    NumberRange range;
    if (!take_number(text, range.first)) return std::nullopt;
    range.last = range.first;
    if (!text.empty() && text[0] == ':') {
      text.remove_prefix(1);
      if (!take_number(text, range.last)) return std::nullopt;
    }
    if (set.ranges.size() == kMaxSequenceRanges) return std::nullopt;
    set.ranges.push_back(range);
    if (text.empty()) return set;
    if (text[0] != ',') return std::nullopt;
    text.remove_prefix(1);
  }
}

bool SequenceSet::has_star() const {
  return std::any_of(ranges.begin(), ranges.end(),
                     [](const NumberRange& r) { return r.first == kStar || r.last == kStar; });
}

NumberSet SequenceSet::resolve(uint32_t max) const {
  std::vector<NumberRange> plain;
  plain.reserve(ranges.size());
  for (NumberRange range : ranges) {
    if (range.first == kStar) range.first = max == 0 ? range.last : max;
    if (range.last == kStar) range.last = max == 0 ? range.first : max;
    if (range.first != 0) plain.push_back(range);
  }
  return NumberSet(std::move(plain));
}

std::string SequenceSet::format() const {
  if (saved_result) return "$";
  std::string out;
  const auto add = [&out](uint32_t number) {
    if (number == kStar)
      out.push_back('*');
    else
      append_number(out, number);
  };
  for (const NumberRange& range : ranges) {
    if (!out.empty()) out.push_back(',');
    add(range.first);
    if (range.last == range.first) continue;
    out.push_back(':');
    add(range.last);
  }
  return out;
}

size_t sequence_set_length(std::string_view text) {
  if (!text.empty() && text[0] == '$') return 1;
  size_t n = 0;
  while (n < text.size() && (is_digit(text[n]) || text[n] == ':' || text[n] == ',' || text[n] == '*')) ++n;
  return n;
}

void append_ranges(std::string& out, std::span<const uint32_t> numbers) {
  for (size_t i = 0; i < numbers.size();) {
    const uint32_t first = numbers[i];
    uint32_t last = first;
    size_t next = i + 1;
    while (next < numbers.size() && numbers[next] - last <= 1) last = numbers[next++];
    if (i != 0) out.push_back(',');
    append_range(out, first, last);
    i = next;
  }
}

void append_ranges(std::string& out, const NumberSet& numbers) {
  bool first = true;
  for (const NumberRange& range : numbers.ranges()) {
    if (!first) out.push_back(',');
    first = false;
    append_range(out, range.first, range.last);
  }
}

void append_ranges_in_order(std::string& out, std::span<const uint32_t> numbers) {
  for (size_t i = 0; i < numbers.size();) {
    size_t next = i + 1;
    while (next < numbers.size() && numbers[next] != 0 && numbers[next] - 1 == numbers[next - 1]) ++next;
    if (i != 0) out.push_back(',');
    append_range(out, numbers[i], numbers[next - 1]);
    i = next;
  }
}

}  // namespace dromos::imapd
