// sync: tells the client how its mailbox differs from what it knows (RFC 9051 §7.5, RFC 7162 §3.1, §3.2.10).
#pragma once

#include "imapd/commands/context.h"

namespace dromos::imapd {

enum class Expunges : uint8_t { tell, hold };

/// Moves the session on to the mailbox's newest version, writing EXPUNGE or VANISHED, EXISTS, FLAGS and
/// FETCH. With `hold` (FETCH, STORE, SEARCH by number) messages that are gone stay in the client's numbering.
/// Changes of flags are kept back unless `flags`. Returns how many messages came, the last of the mailbox.
uint32_t sync(Context& context, Expunges expunges, bool flags = true);

/// "* n FETCH (FLAGS (...))", with UID and MODSEQ where the session has earned them.
void write_flags(Context& context, uint32_t number, const MessageItem& item, bool with_uid,
                 bool with_flags = true);
/// FLAGS and PERMANENTFLAGS, if keywords have come since the last.
void write_keywords(Context& context, bool always);

}  // namespace dromos::imapd
