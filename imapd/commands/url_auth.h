// URLs that carry authorization (RFC 4467): who may read what one names.
#pragma once

#include "imapd/commands/context.h"
#include "imapd/protocol/imap_url.h"

namespace dromos::imapd {

/// Status code of SELECT and RESETKEY; for connections on which secrets may be told (RFC 4467 §10).
inline constexpr std::string_view kUrlMechanisms = "URLMECH INTERNAL";

struct UrlPlace {
  AccountId account;
  MailboxId mailbox;
};
/// Where an authorized URL leads. store::StoreErrc::not_found: nowhere, for this session: forged, expired,
/// revoked, not meant for it, or its mailbox is gone.
Task<Result<UrlPlace>> authorized_place(Context& context, const ImapUrl& url);

}  // namespace dromos::imapd
