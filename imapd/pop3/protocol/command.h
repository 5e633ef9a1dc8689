// Commands of POP3: a line without its CRLF in, verb and arguments out (RFC 1939 §3, RFC 2449 §4; AUTH of
// RFC 5034, STLS of RFC 2595 §4, UTF8 and LANG of RFC 6856). Pure; never throws. Cutting the stream into
// lines is common/smtp/line_splitter.h: the rules (CR LF only, no NUL, a bound) are the same.
//
// APOP is not here: it needs the password in the clear on our side. An error's message is for -ERR.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace dromos::imapd::pop3 {

/// RFC 2449 §4 asks for 255; passwords may be long. AUTH lines have SASL's bound.
inline constexpr size_t kMaxCommandLine = 2048;
/// Of any line: AUTH with an initial response, and SASL responses.
inline constexpr size_t kMaxLine = 12288;

enum class Verb : uint8_t {
  auth,
  capa,
  dele,
  lang,
  list,
  noop,
  pass,
  quit,
  retr,
  rset,
  stat,
  stls,
  top,
  uidl,
  user,
  utf8
};

struct Command {
  Verb verb = Verb::noop;
  /// USER's name, PASS's password, AUTH's mechanism, LANG's range.
  std::string text;
  /// AUTH: as it stands in the line, still base64.
  std::optional<std::string> initial;
  /// Message number; numbers past 2^32-1 become that. 0: none was given (LIST, UIDL).
  uint32_t number = 0;
  /// TOP: lines of the body.
  uint32_t lines = 0;
};

Result<Command> parse_command(std::string_view line);
/// "RETR"
std::string_view name(Verb verb);

}  // namespace dromos::imapd::pop3
