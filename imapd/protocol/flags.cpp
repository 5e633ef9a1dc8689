#include "imapd/protocol/flags.h"

#include <array>

#include "common/base/strings.h"
#include "imapd/protocol/chars.h"

namespace dromos::imapd {
namespace {

struct SystemFlag {
  std::string_view name;
  uint8_t bit;
};
constexpr std::array<SystemFlag, 6> kSystemFlags{{{"\\Answered", kFlagAnswered},
                                                  {"\\Flagged", kFlagFlagged},
                                                  {"\\Deleted", kFlagDeleted},
                                                  {"\\Seen", kFlagSeen},
                                                  {"\\Draft", kFlagDraft},
                                                  {"\\Recent", kFlagRecent}}};

}  // namespace

bool FlagSet::has_keyword(std::string_view keyword) const {
  for (const std::string& have : keywords)
    if (iequals(have, keyword)) return true;
  return false;
}

bool FlagSet::add_keyword(std::string_view keyword) {
  if (has_keyword(keyword)) return false;
  keywords.emplace_back(keyword);
  return true;
}

uint8_t system_flag(std::string_view name) {
  for (const SystemFlag& flag : kSystemFlags)
    if (iequals(flag.name, name)) return flag.bit;
  return 0;
}

bool is_keyword(std::string_view text) {
  return text.size() <= kMaxKeywordLength && all_of(text, kAtomChar);
}

bool add_flag(std::string_view token, FlagSet& flags) {
  if (!token.empty() && token[0] == '\\') {
    const uint8_t bit = system_flag(token);
    flags.system |= bit;
    return bit != 0;
  }
  if (!is_keyword(token)) return false;
  flags.add_keyword(token);
  return true;
}

void append_flags(std::string& out, uint8_t system, std::span<const std::string> keywords) {
  bool first = true;
  const auto add = [&](std::string_view name) {
    if (!first) out.push_back(' ');
    first = false;
    out.append(name);
  };
  if (system != 0)
    for (const SystemFlag& flag : kSystemFlags)
      if ((system & flag.bit) != 0) add(flag.name);
  for (const std::string& keyword : keywords) add(keyword);
}

std::string format_flags(const FlagSet& flags) {
  std::string out;
  append_flags(out, flags.system, flags.keywords);
  return out;
}

}  // namespace dromos::imapd
