// SMTP and LMTP commands, server side: one line (without CR LF) to one typed command, or an error that
// reply_for (reply.h) turns into the right 5xx. RFC 5321 §4.1, LMTP RFC 2033, SIZE RFC 1870, 8BITMIME RFC
// 6152, SMTPUTF8 RFC 6531, AUTH RFC 4954, DSN RFC 3461, BDAT RFC 3030, REQUIRETLS RFC 8689, FUTURERELEASE RFC
// 4865.
//
// Lenient where real clients need it: spaces after "FROM:" and "TO:", trailing blanks. Angle brackets are
// asked for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/base/result.h"
#include "common/smtp/address.h"

namespace dromos::smtp {

/// RFC 5321 §4.5.3.1.4 allows 512; extensions add up to about 1,700 (RFC 3461 §5.2, 4954 §5, 6531 §3.4).
inline constexpr size_t kMaxCommandLine = 2048;
inline constexpr size_t kMaxParameters = 16;
inline constexpr size_t kMaxEnvid = 100;  // RFC 3461 §4.4
inline constexpr size_t kMaxOrcpt = 500;  // RFC 3461 §5.2

enum class Greeting { helo, ehlo, lhlo };
struct Hello {
  Greeting kind = Greeting::ehlo;
  /// As given, printable only: a domain, a literal, or what broken clients send. Check it as policy asks.
  std::string name;
};

/// One `KEYWORD[=value]`, keyword in upper case, value as sent.
struct Parameter {
  std::string keyword;
  std::optional<std::string> value;
};

enum class Body { unspecified, seven_bit, eight_bit_mime, binary_mime };
enum class DsnReturn { unspecified, full, headers };

struct MailFrom {
  /// Nothing: the null reverse-path `<>`.
  std::optional<Mailbox> from;
  std::optional<uint64_t> size;
  Body body = Body::unspecified;
  bool smtputf8 = false;
  bool requiretls = false;
  DsnReturn ret = DsnReturn::unspecified;
  /// xtext decoded, printable.
  std::optional<std::string> envid;
  /// AUTH=: xtext decoded mailbox text, empty for `<>`.
  std::optional<std::string> auth;
  /// FUTURERELEASE: seconds, or an instant in microseconds UTC; never both.
  std::optional<uint32_t> hold_for_s;
  std::optional<int64_t> hold_until_us;
  /// All of them in order, known or not, as sent.
  std::vector<Parameter> parameters;
};

/// RFC 3461 §4.1. Absent in the command: `unspecified`, which means failure (and delay as the MTA likes).
struct Notify {
  bool unspecified = true;
  bool never = false;
  bool success = false;
  bool failure = false;
  bool delay = false;
  bool on_failure() const { return unspecified || failure; }
};

struct RcptTo {
  Mailbox to;
  Notify notify;
  /// ORCPT: address type ("rfc822", "utf-8") and the decoded address.
  struct Original {
    std::string type;
    std::string address;
  };
  std::optional<Original> orcpt;
  std::vector<Parameter> parameters;
};

struct Data {};
struct Bdat {
  uint64_t size = 0;
  bool last = false;
};
struct Rset {};
struct Noop {};
struct Quit {};
struct StartTls {};
struct Help {
  std::string topic;
};
struct Vrfy {
  std::string argument;
};
struct Expn {
  std::string argument;
};
struct Auth {
  /// Upper case.
  std::string mechanism;
  /// Still base64; "=" is an empty initial response.
  std::optional<std::string> initial;
};

using Command =
    std::variant<Hello, MailFrom, RcptTo, Data, Bdat, Rset, Noop, Quit, StartTls, Help, Vrfy, Expn, Auth>;

/// What this server speaks; a parameter of an extension that is off is 555.
struct CommandOptions {
  bool smtputf8 = true;
  bool dsn = true;
  bool requiretls = true;
  bool future_release = false;
  bool binary_mime = false;
};

Result<Command> parse_command(std::string_view line, const CommandOptions& options = {});

/// "MAIL", "EHLO"...: for logs and metrics.
std::string_view verb_name(const Command& command);

/// RFC 3461 §4: xtext.
std::string xtext_encode(std::string_view text);
std::optional<std::string> xtext_decode(std::string_view text);
/// RFC 6533 §3: utf-8-addr-xtext and -unitext of an ORCPT of type utf-8.
std::optional<std::string> utf8_addr_decode(std::string_view text);

}  // namespace dromos::smtp
