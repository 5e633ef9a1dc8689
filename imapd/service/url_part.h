// Octets of the message or part that an IMAP URL names (RFC 5092 §6), for CATENATE and URLFETCH.
#pragma once

#include <functional>
#include <string_view>

#include "imapd/protocol/imap_url.h"
#include "imapd/service/worker.h"

namespace dromos::imapd {

/// Hands the octets to `take` piece by piece. store::StoreErrc::not_found: no such message; Errc::not_found:
/// the message has no such part; Errc::limit_exceeded: more than `limit` octets.
Task<Result<void>> read_url_part(Worker& worker, AccountId account, MailboxId mailbox, const ImapUrl& url,
                                 uint64_t limit, std::function<Result<void>(std::string_view)> take,
                                 Deadline deadline);

}  // namespace dromos::imapd
