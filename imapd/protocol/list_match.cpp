#include "imapd/protocol/list_match.h"

#include <algorithm>

#include "common/base/strings.h"
#include "imapd/protocol/mailbox_name.h"

namespace dromos::imapd {
namespace {

/// "**", "*%" and "%*" are "*"; "%%" is "%".
std::string fold_wildcards(std::string_view pattern) {
  std::string out;
  for (size_t i = 0; i < pattern.size();) {
    if (pattern[i] != '*' && pattern[i] != '%') {
      out.push_back(pattern[i++]);
      continue;
    }
    bool star = false;
    for (; i < pattern.size() && (pattern[i] == '*' || pattern[i] == '%'); ++i) star |= pattern[i] == '*';
    out.push_back(star ? '*' : '%');
  }
  return out;
}

}  // namespace

ListPattern::ListPattern(std::string_view pattern) : pattern_(fold_wildcards(pattern)) {
  if (is_inbox(pattern_)) pattern_.replace(0, 5, "INBOX");
}

std::string_view ListPattern::literal_prefix() const {
  return std::string_view(pattern_).substr(0, pattern_.find_first_of("*%"));
}

size_t ListPattern::levels_from(size_t offset) const {
  if (pattern_.find('*') != std::string::npos) return 0;
  const auto from = pattern_.begin() + static_cast<std::ptrdiff_t>(offset);
  return 1 + static_cast<size_t>(std::count(from, pattern_.end(), kSeparator));
}

// A set of positions in the pattern moves along the name, as in an automaton without backtracking.
ListMatch ListPattern::match(std::string_view name) const {
  const std::string_view prefix = literal_prefix();
  const bool inbox = is_inbox(name);
  const std::string folded = inbox ? "INBOX" + std::string(name.substr(5)) : std::string();
  if (inbox) name = folded;
  // "inb%" names INBOX, too: the octets of INBOX compare in any case (RFC 9051 §5.1).
  const auto same = [inbox](char a, char b, size_t at) {
    return a == b || (inbox && at < 5 && ascii_lower(a) == ascii_lower(b));
  };
  for (size_t i = 0; i < prefix.size() && i < name.size(); ++i)
    if (!same(prefix[i], name[i], i)) return ListMatch::no;

  const size_t states = pattern_.size() + 1;
  std::vector<uint8_t> now(states, 0);
  std::vector<uint8_t> next(states, 0);
  now[0] = 1;
  const auto skip_wildcards = [&](std::vector<uint8_t>& set) {
    for (size_t p = 0; p < pattern_.size(); ++p)
      if (set[p] && (pattern_[p] == '*' || pattern_[p] == '%')) set[p + 1] = 1;
  };
  const auto step = [&](char c, size_t at) {
    bool alive = false;
    next.assign(states, 0);
    for (size_t p = 0; p < pattern_.size(); ++p) {
      if (!now[p]) continue;
      if (pattern_[p] == '*' || (pattern_[p] == '%' && c != kSeparator))
        next[p] = 1, alive = true;
      else if (pattern_[p] != '%' && same(pattern_[p], c, at))
        next[p + 1] = 1, alive = true;
    }
    skip_wildcards(next);
    now.swap(next);
    return alive;
  };
  skip_wildcards(now);
  for (size_t i = 0; i < name.size(); ++i)
    if (!step(name[i], i)) return ListMatch::no;
  if (now[pattern_.size()]) return ListMatch::yes;
  // A child adds a separator and at least one more character.
  step(kSeparator, name.size());
  now[pattern_.size()] = 0;
  return std::find(now.begin(), now.end(), 1) != now.end() ? ListMatch::parent : ListMatch::no;
}

}  // namespace dromos::imapd
