// The wildcards of LIST (RFC 9051 §6.3.9): `*` matches anything, `%` anything but the separator.
//
// Time is at most pattern length times name length, whatever the pattern. A leading INBOX matches in any
// case.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dromos::imapd {

enum class ListMatch {
  no,
  yes,
  /// The name itself does not match, but one of its children could: LSUB and RECURSIVEMATCH want to know.
  parent,
};

class ListPattern {
 public:
  explicit ListPattern(std::string_view pattern);
  ListMatch match(std::string_view name) const;
  bool matches(std::string_view name) const { return match(name) == ListMatch::yes; }
  /// What every matching name starts with, INBOX apart: for a range scan in the store.
  std::string_view literal_prefix() const;
  bool has_wildcard() const { return literal_prefix().size() != pattern_.size(); }
  /// How many levels names that match have from the one on that `offset` of the pattern lies in; 0: no bound.
  size_t levels_from(size_t offset) const;

 private:
  std::string pattern_;  // runs of wildcards folded
};

}  // namespace dromos::imapd
