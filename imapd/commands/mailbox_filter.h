// Which mailboxes the filters of NOTIFY and ESEARCH name (RFC 5465 §6, RFC 7377 §2.2).
#pragma once

#include <string>
#include <vector>

#include "imapd/commands/context.h"
#include "imapd/service/namespaces.h"

namespace dromos::imapd {

/// A filter with its names decoded; what is no name names nothing.
struct DecodedFilter {
  MailboxFilter::Kind kind = MailboxFilter::Kind::selected;
  std::vector<std::string> names;
};
DecodedFilter decoded(const Context& context, const MailboxFilter& filter);

/// Whether a filter names the mailbox itself, or only reaches it. None for the filters of the selected one.
enum class Reach { none, reached, named };
Reach reach(const DecodedFilter& filter, AccountId reader, const NamedMailbox& mailbox);
inline bool covers(const DecodedFilter& filter, AccountId reader, const NamedMailbox& mailbox) {
  return reach(filter, reader, mailbox) != Reach::none;
}

/// All that the filters may reach, and perhaps others; with the selected mailbox if that is asked for.
/// Filters that go by name read no mailboxes that cannot be meant.
Task<Result<std::vector<NamedMailbox>>> reachable_mailboxes(Context& context,
                                                            const std::vector<DecodedFilter>& filters,
                                                            bool selected, store::Rights rights);

}  // namespace dromos::imapd
