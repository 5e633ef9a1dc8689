#include "imapd/commands/flag_rights.h"

#include <algorithm>

#include "common/base/strings.h"

namespace dromos::imapd {

store::FlagSet stored_flags(const FlagSet& flags) {
  store::FlagSet out;
  out.flags = flags.system & kSettableFlags;
  for (const std::string& keyword : flags.keywords) out.keywords.push_back(to_lower(keyword));
  std::sort(out.keywords.begin(), out.keywords.end());
  return out;
}

void keep_allowed(store::FlagSet& flags, store::Rights rights) {
  flags.flags &= store::flags_allowed(rights);
  if ((rights & store::kWrite) == 0) flags.keywords.clear();
}

}  // namespace dromos::imapd
