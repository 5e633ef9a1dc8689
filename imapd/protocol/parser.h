// Text of a command -> Command. Grammar: RFC 9051 §9, RFC 3501 §9, RFC 4466 and the extensions named in the
// command_*.h files. Knows no state and no capabilities: the session decides what it offers and what is
// allowed now.
#pragma once

#include <string>
#include <string_view>

#include "common/base/result.h"
#include "imapd/protocol/command.h"
#include "imapd/protocol/reader.h"

namespace dromos::imapd {

struct ParseError {
  enum class Kind { syntax, unknown_command };
  Kind kind = Kind::syntax;
  std::string tag;     // "" if there was none: answer "* BAD"
  size_t offset = 0;   // in the command's text
  std::string reason;  // fit for the client
};

using ParsedCommand = tl::expected<Command, ParseError>;

ParsedCommand parse_command(const RawCommand& raw);
/// For text without streamed literals.
ParsedCommand parse_command(std::string_view text);

/// What an APPEND or REPLACE says before its literal, so that mailbox, rights and quota can be checked before
/// "+".
struct AppendHead {
  std::string tag;
  bool replace = false;
  bool uid = false;
  std::string mailbox;  // wire form
  size_t message = 0;   // 0-based: this literal belongs to the n-th message of the command
  bool catenate = false;
};
/// From CommandReader::text_so_far() when head().message_data is set. An error: refuse() and answer BAD.
tl::expected<AppendHead, ParseError> parse_append_head(const RawCommand& raw);

}  // namespace dromos::imapd
