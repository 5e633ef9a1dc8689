// What QRESYNC adds to SELECT and FETCH (RFC 7162 §3.2).
#pragma once

#include "imapd/commands/context.h"

namespace dromos::imapd {

/// "* VANISHED (EARLIER) uids": of `known` (null: all) those expunged after `modseq`.
Task<Result<void>> write_vanished_earlier(Context& context, uint64_t modseq, const NumberSet* known);
/// VANISHED and FETCH after SELECT (QRESYNC ...).
Task<Result<void>> resynchronise(Context& context, const QresyncParameters& parameters);

}  // namespace dromos::imapd
