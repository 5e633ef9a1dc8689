// Messages as multi-line responses (RFC 1939 §3): every line ends in CRLF, a leading dot is doubled, "." ends
// it; and what of a message TOP shows (§7). Push-style: octets in pieces of any size, the same out.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace dromos::imapd::pop3 {

class DotStuffer {
 public:
  /// A bare LF becomes CRLF; a CR elsewhere stays as it is.
  void feed(std::string_view bytes, std::string& out);
  /// Ends the last line if the message did not, and the response.
  void finish(std::string& out);

 private:
  bool at_line_start_ = true;
  bool cr_ = false;  // the last octet was CR
};

/// Octets of what DotStuffer sends, without the dots it adds and the line that ends it (RFC 1939 §11).
class SentLength {
 public:
  void feed(std::string_view bytes);
  /// Of all that was fed, as a whole message.
  uint64_t total() const;

 private:
  uint64_t octets_ = 0;
  char last_ = '\n';
};

class TopCutter {
 public:
  explicit TopCutter(uint32_t body_lines) : left_(body_lines) {}
  /// How many of `bytes` belong to what TOP shows: all of them, or fewer when done() has become true.
  size_t take(std::string_view bytes);
  bool done() const { return done_; }

 private:
  uint32_t left_;
  bool in_header_ = true;
  bool blank_ = true;  // nothing but CR in this line so far
  bool done_ = false;
};

}  // namespace dromos::imapd::pop3
