#include "common/store/search.h"

#include <cstring>

namespace dromos::store {
namespace {

bool holds(std::string_view text, std::string_view needle) {
  return memmem(text.data(), text.size(), needle.data(), needle.size()) != nullptr;
}

}  // namespace

Task<Result<UidSet>> search_text(Messages& messages, AccountId account, MailboxId mailbox, const UidSet& uids,
                                 std::vector<std::string> needles, UidSet* truncated, Deadline deadline) {
  UidSet found;
  auto on_text = [&](const Messages::Text& text) {
    bool all = true;
    for (const std::string& needle : needles) all = all && holds(text.text, needle);
    if (all)
      found.add(text.uid);
    else if (text.truncated && truncated != nullptr)
      truncated->add(text.uid);
    return true;
  };
  CO_TRY_VOID(co_await messages.stream_text(account, mailbox, uids, on_text, deadline));
  co_return found;
}

}  // namespace dromos::store
