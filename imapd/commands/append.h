// APPEND while its literals come in: the connection asks before each, hands over the octets, and runs the
// handler when the command is complete (RFC 9051 §6.3.12, MULTIAPPEND RFC 3502, CATENATE RFC
// 4469, UTF8 RFC 6855 §4).
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "common/store/append.h"
#include "imapd/commands/context.h"
#include "imapd/service/namespaces.h"
#include "imapd/service/spool.h"

namespace dromos::imapd {

struct AppendJob {
  std::vector<std::shared_ptr<Spool>> spools;  // by LiteralData::stream
  uint64_t octets = 0;                         // announced so far
  size_t message = 0;                          // which is coming in
  uint64_t message_octets = 0;                 // of it, announced so far
  std::optional<Reply> refusal;                // the answer, once a literal was refused
};

/// Accepts or refuses the message literal that the reader has announced.
Task<void> begin_append_literal(Context& context);
void take_append_chunk(Context& context, std::string_view octets);

/// A message of APPEND or REPLACE as the store takes it. With a refusal there is none.
Task<Result<store::AppendMessage>> read_append_message(Context& context, const AppendMessage& given,
                                                       std::optional<Reply>& refusal);
/// TRYCREATE, or what reply_for says.
Reply append_failure(const Error& error);
/// "APPENDUID 3857 30:31".
std::string append_uid(const store::AppendResult& stored);

}  // namespace dromos::imapd
