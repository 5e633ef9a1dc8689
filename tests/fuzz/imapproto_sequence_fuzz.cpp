// Sequence sets, dates and flags: what is read, written and read again is the same.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "imapd/protocol/date.h"
#include "imapd/protocol/flags.h"
#include "imapd/protocol/sequence_set.h"

using namespace dromos::imapd;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  if (const auto set = SequenceSet::parse(input)) {
    const auto again = SequenceSet::parse(set->format());
    if (!again || *again != *set) abort();
    const NumberSet numbers = set->resolve(1000);
    if (!set->saved_result && (numbers.empty() || NumberSet(numbers.ranges()) != numbers)) abort();
    for (const NumberRange& range : numbers.ranges())
      if (!numbers.contains(range.first) || !numbers.contains(range.last)) abort();
    if (!numbers.subtract(numbers).empty() || numbers.intersect(numbers) != numbers) abort();
  }
  if (const auto when = parse_date_time(input)) {
    std::string text;
    append_date_time(text, *when);
    // Near year 0 and 9999 a zone may push the moment out of what can be written.
    if (when->unix_seconds > -62'000'000'000 && when->unix_seconds < 253'000'000'000 &&
        parse_date_time(text) != when)
      abort();
  }
  if (const auto date = parse_date(input))
    if (parse_date(format_date(*date)) != date || Date::from_days(date->days()) != *date) abort();
  FlagSet flags;
  if (add_flag(input, flags) && format_flags(flags).empty()) abort();
  return 0;
}
