// Lexer: the lexical rules shared by structured fields (RFC 5322 §3.2, RFC 2045 §5.1), tolerant of 8-bit
// bytes. Internal to common/mime. Every call moves forward or fails; nothing is read twice.
#pragma once

#include <string>
#include <string_view>

namespace dromos::mime {

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  bool at_end() const { return at_ >= text_.size(); }
  char peek() const { return at_end() ? '\0' : text_[at_]; }
  size_t position() const { return at_; }
  void rewind(size_t position) { at_ = position; }
  bool accept(char c);
  /// Blanks, line breaks and comments. The text of the last comment is kept if `comment` is given.
  /// False if blanks were not there.
  bool skip_blanks(std::string* comment = nullptr);
  /// RFC 2045 token; false if empty.
  bool token(std::string& out);
  /// RFC 5322 atom (8-bit allowed); false if empty.
  bool atom(std::string& out);
  /// Quoted string, unquoted; line breaks vanish. False if it was not closed (then all was read).
  bool quoted_string(std::string& out);
  /// Domain literal with brackets kept.
  bool domain_literal(std::string& out);
  void skip_to(char c);
  void until_any(std::string_view stops, std::string& out);
  void advance() { ++at_; }

 private:
  bool comment(std::string* out);

  std::string_view text_;
  size_t at_ = 0;
};

bool is_atext(char c);

}  // namespace dromos::mime
