// Sets of message numbers and UIDs (RFC 9051 §9 sequence-set).
//
// SequenceSet is what the client wrote: ranges in any order, `*`, or `$` (RFC 5182). NumberSet is what it
// means once
// `*` is known: sorted ranges that neither overlap nor touch. All is linear in the ranges, but for one sort
// of those that came unordered; kMaxSequenceRanges bounds them whatever the line limit is.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dromos::imapd {

inline constexpr size_t kMaxSequenceRanges = 1'000'000;

struct NumberRange {
  uint32_t first = 0;
  uint32_t last = 0;
  bool operator==(const NumberRange&) const = default;
  uint64_t count() const { return uint64_t{last} - first + 1; }
};

class NumberSet {
 public:
  NumberSet() = default;
  /// Sorts and joins; a range may be written backwards.
  explicit NumberSet(std::vector<NumberRange> ranges);
  NumberSet(std::initializer_list<NumberRange> ranges) : NumberSet(std::vector<NumberRange>(ranges)) {}
  /// From sorted numbers, without repetition.
  static NumberSet of_sorted(std::span<const uint32_t> numbers);

  /// Amortised constant when numbers come ascending, else linear.
  void add(uint32_t first, uint32_t last);
  void add(uint32_t number) { add(number, number); }

  bool empty() const { return ranges_.empty(); }
  uint64_t count() const;
  uint32_t front() const { return ranges_.empty() ? 0 : ranges_.front().first; }
  uint32_t back() const { return ranges_.empty() ? 0 : ranges_.back().last; }
  const std::vector<NumberRange>& ranges() const { return ranges_; }
  bool contains(uint32_t number) const;
  /// Those of the sorted `numbers` that are in the set, in their order: the cost is that of the result plus a
  /// binary search per range.
  std::vector<uint32_t> intersect(std::span<const uint32_t> numbers) const;
  /// The same as [begin, end) index pairs into `numbers`; neighbours are joined.
  std::vector<std::pair<size_t, size_t>> intersect_indices(std::span<const uint32_t> numbers) const;
  NumberSet intersect(const NumberSet& other) const;
  NumberSet subtract(const NumberSet& other) const;

  /// Calls fn(uint32_t) for each number, ascending.
  template <class Fn>
  void for_each(Fn fn) const {
    for (const NumberRange& range : ranges_)
      for (uint64_t n = range.first; n <= range.last; ++n) fn(static_cast<uint32_t>(n));
  }

  /// The `count` highest of them; all, if there are no more.
  NumberSet highest(uint64_t count) const;

  bool operator==(const NumberSet&) const = default;
  /// "1:3,7"; "" if empty (no such sequence-set exists, so callers omit the item).
  std::string format() const;

 private:
  std::vector<NumberRange> ranges_;
};

class SequenceSet {
 public:
  static constexpr uint32_t kStar = 0;
  std::vector<NumberRange> ranges;  // as written; kStar stands for `*`
  bool saved_result = false;        // `$`

  /// The whole text. No empty sets, no zero, nothing above 2^32-1.
  static std::optional<SequenceSet> parse(std::string_view text);
  /// True if `*` occurs: such a set means something else as the mailbox grows.
  bool has_star() const;
  /// With `max` for `*` (the highest number there is; 0 in an empty mailbox, where `*` names nothing: ranges
  /// are kept as far as their plain end says). Not for `$`.
  NumberSet resolve(uint32_t max) const;
  bool operator==(const SequenceSet&) const = default;
  std::string format() const;
};

/// The longest start of `text` made of octets of a sequence-set.
size_t sequence_set_length(std::string_view text);

/// Appends sorted numbers as ranges, "4:6,9": for COPYUID, VANISHED, ESEARCH. Repetitions are dropped.
void append_ranges(std::string& out, std::span<const uint32_t> numbers);
void append_ranges(std::string& out, const NumberSet& numbers);
/// As append_ranges, but keeps the order given (APPENDUID, COPYUID and sorted results), joining only n, n+1.
void append_ranges_in_order(std::string& out, std::span<const uint32_t> numbers);

}  // namespace dromos::imapd
