// SMTP replies: the server's writer and the client's parser (RFC 5321 §4.2), enhanced status codes (RFC 2034,
// RFC 3463), and what an EHLO reply announces.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/smtp/errc.h"

namespace dromos::smtp {

/// "5.7.1"; class 0 means none.
struct EnhancedCode {
  uint16_t klass = 0;
  uint16_t subject = 0;
  uint16_t detail = 0;

  bool operator==(const EnhancedCode&) const = default;
  explicit operator bool() const { return klass != 0; }
  std::string to_string() const;
  /// Class 2, 4 or 5; subject and detail up to three digits, no leading zeros.
  static std::optional<EnhancedCode> parse(std::string_view text);
};

struct Reply {
  int code = 0;
  EnhancedCode enhanced;
  std::vector<std::string> lines;

  Reply() = default;
  Reply(int reply_code, std::string text) : code(reply_code) { lines.push_back(std::move(text)); }
  Reply(int reply_code, EnhancedCode enhanced_code, std::string text)
      : code(reply_code), enhanced(enhanced_code) {
    lines.push_back(std::move(text));
  }

  bool positive() const { return code >= 200 && code < 400; }
  bool temporary() const { return code >= 400 && code < 500; }
  bool permanent() const { return code >= 500; }
  /// Lines joined by one space: for logs and DSN.
  std::string text() const;
  /// "550 5.1.1 No such user": code, enhanced code and text on one line, for logs and Diagnostic-Code.
  std::string summary() const;

  /// Bytes for the wire. Control octets in the text become blanks; lines are split at 500 octets.
  void write(std::string& out) const;
  std::string wire() const;
};

/// The reply that a parse failure or content fault of this library deserves; other modules' errors give 451
/// or 554 by their retry class, without their text.
Reply reply_for(const Error& error);

inline constexpr size_t kMaxReplyLines = 100;
inline constexpr size_t kMaxReplyLine = 2000;

/// Push-style client parser. Tolerates a bare LF as line end (some servers), which is safe in this direction.
class ReplyParser {
 public:
  /// Eats from the front of `input`; a reply when its last line is in, nothing when more is needed. An error
  /// is final: the connection cannot be trusted further.
  Result<std::optional<Reply>> feed(std::string_view& input);

 private:
  Result<bool> take_line(std::string_view line);

  std::string held_;
  Reply reply_;
};

/// What the EHLO reply offers. Unknown keywords are ignored.
struct Capabilities {
  bool esmtp = false;
  bool size = false;
  /// 0: no fixed limit announced.
  uint64_t max_size = 0;
  bool eight_bit_mime = false;
  bool binary_mime = false;
  bool smtputf8 = false;
  bool starttls = false;
  bool pipelining = false;
  bool chunking = false;
  bool dsn = false;
  bool enhanced_status_codes = false;
  bool requiretls = false;
  /// Upper case, as announced by AUTH (also the old "AUTH=").
  std::vector<std::string> auth;

  bool has_auth(std::string_view mechanism) const;
};
Capabilities parse_capabilities(const Reply& ehlo);

}  // namespace dromos::smtp
