// Pattern and name, parted by a line feed: the answer must be that of the definition wherever that is
// affordable.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "imapd/protocol/list_match.h"
#include "imapd/protocol/mailbox_name.h"

using namespace dromos::imapd;

static bool slow_match(std::string_view pattern, std::string_view name) {
  if (pattern.empty()) return name.empty();
  if (pattern[0] != '*' && pattern[0] != '%')
    return !name.empty() && name[0] == pattern[0] && slow_match(pattern.substr(1), name.substr(1));
  if (slow_match(pattern.substr(1), name)) return true;
  return !name.empty() && (pattern[0] == '*' || name[0] != kSeparator) && slow_match(pattern, name.substr(1));
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t cut = input.find('\n');
  if (cut == std::string_view::npos || size > 5000) return 0;
  const std::string_view pattern = input.substr(0, cut);
  const std::string_view name = input.substr(cut + 1);
  const ListMatch answer = ListPattern(pattern).match(name);
  const bool affordable = pattern.size() <= 10 && name.size() <= 10 && !is_inbox(name) && !is_inbox(pattern);
  if (affordable && (answer == ListMatch::yes) != slow_match(pattern, name)) abort();
  (void)list_pattern_from_wire(name, pattern, size % 2 == 0);
  return 0;
}
