// dispatch: a parsed command to its handler, in the states that allow it; untagged news before the tagged
// answer.
#pragma once

#include "imapd/commands/context.h"

namespace dromos::imapd {

/// Runs the command and writes its tagged answer. The caller flushes.
Task<void> dispatch(Context& context, Command command);

}  // namespace dromos::imapd
