// Renders IMAP ENVELOPE and BODYSTRUCTURE (RFC 9051 §7.5.2) as Dovecot words them where the standard leaves
// room: 8-bit text as literals, MISSING_MAILBOX and MISSING_DOMAIN for halves of addresses. Internal to
// common/mime.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "common/mime/facts.h"

namespace dromos::mime {

using KeptValues = std::array<std::optional<std::string>, kKeptCount>;

void append_string(std::string& out, std::string_view text);
void append_nstring(std::string& out, const std::optional<std::string>& text);
std::string render_envelope(const KeptValues& kept);
/// The whole parenthesised structure; `extended` for BODYSTRUCTURE.
std::string render_structure(const PartTree& tree, const std::vector<PartInfo>& info, bool extended);

}  // namespace dromos::mime
