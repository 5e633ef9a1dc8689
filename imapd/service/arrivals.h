// arrivals: what this process has just stored by APPEND comes into the mailboxes in memory, for all who have
// them selected, and is kept for the FETCH that follows. Nobody reads the store for it.
#pragma once

#include <span>

#include "common/store/delivery.h"
#include "imapd/service/mailbox_cache.h"
#include "imapd/service/recent_messages.h"

namespace dromos::imapd {

/// `stored`: by one transaction, all of it. Thread-safe.
void take_arrivals(MailboxCache& mailboxes, RecentMessages& recent, std::span<const store::Stored> stored);

}  // namespace dromos::imapd
