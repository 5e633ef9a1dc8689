// Message flags (RFC 9051 §2.3.2): the system flags as bits, keywords as text.
//
// \Recent is parsed (clients send it in APPEND) but belongs to the server: handlers mask it with
// kSettableFlags. Keywords keep the case they came in; two that differ only in case are the same keyword.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dromos::imapd {

enum Flag : uint8_t {
  kFlagSeen = 1,
  kFlagAnswered = 2,
  kFlagFlagged = 4,
  kFlagDeleted = 8,
  kFlagDraft = 16,
  kFlagRecent = 32,
};
inline constexpr uint8_t kSettableFlags = 31;
inline constexpr size_t kMaxKeywordLength = 255;

struct FlagSet {
  uint8_t system = 0;  // Flag bits
  std::vector<std::string> keywords;
  bool operator==(const FlagSet&) const = default;
  bool empty() const { return system == 0 && keywords.empty(); }
  bool has_keyword(std::string_view keyword) const;
  /// False if it is there already, in whatever case.
  bool add_keyword(std::string_view keyword);
};

/// The bit of "\Seen" (any case), 0 if the name is no system flag.
uint8_t system_flag(std::string_view name);
/// An atom (RFC 9051 §9 flag-keyword) of 1 to kMaxKeywordLength octets.
bool is_keyword(std::string_view text);
/// Adds "\Seen" or a keyword; false if it is neither.
bool add_flag(std::string_view token, FlagSet& flags);

/// Appends "\Seen \Flagged $Forwarded", without parentheses.
void append_flags(std::string& out, uint8_t system, std::span<const std::string> keywords = {});
std::string format_flags(const FlagSet& flags);

}  // namespace dromos::imapd
