// APPEND while its literals come in: the connection asks before each, hands over the octets, and runs the
// handler when the command is complete (RFC 9051 §6.3.12, MULTIAPPEND RFC 3502).
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "imapd/commands/context.h"
#include "imapd/service/spool.h"

namespace dromos::imapd {

struct AppendJob {
  std::vector<std::shared_ptr<Spool>> spools;  // by LiteralData::stream
  uint64_t octets = 0;                         // announced so far
  std::optional<Reply> refusal;                // the answer, once a literal was refused
};

/// Accepts or refuses the message literal that the reader has announced.
Task<void> begin_append_literal(Context& context);
void take_append_chunk(Context& context, std::string_view octets);

}  // namespace dromos::imapd
