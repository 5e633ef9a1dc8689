// Blind carbon copies in a submitted message (RFC 5322 §3.6.3, §3.6.6): which bytes of its header have to go
// before anybody else sees it, since agents for submission that leave Bcc in rely on us to take it out.
// Nothing else is touched, so signatures that do not cover Bcc hold; one that does breaks, which is better
// than telling. Only the message's own header: what is attached or forwarded in it stays as it is. Pure.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "mta/service/spool.h"

namespace dromos::mta {

/// Bcc and Resent-Bcc, each whole field with its last line break; ascending. Content that does not begin with
/// a header field has none.
std::vector<ByteRange> blind_copies(std::string_view content);

}  // namespace dromos::mta
