// Tokens of a command's text (RFC 9051 §9). The parsers of all verbs are written in terms of it.
//
// Functions return false at the first thing that does not fit and keep its place and reason (the first one
// stays); callers pass the false on. Text and views into it live as long as the RawCommand.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "imapd/protocol/chars.h"
#include "imapd/protocol/command_append.h"
#include "imapd/protocol/reader.h"
#include "imapd/protocol/sequence_set.h"

namespace dromos::imapd {

class Lexer {
 public:
  explicit Lexer(const RawCommand& raw) : text_(raw.text), streamed_(raw.streamed) {}
  explicit Lexer(std::string_view text) : text_(text) {}

  bool at_end() const { return at_ == text_.size(); }
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  size_t offset() const { return at_; }
  void rewind(size_t offset) { at_ = offset; }

  /// `reason` must be a literal.
  bool fail(const char* reason) { return fail_at(at_, reason); }
  bool fail_at(size_t offset, const char* reason);
  const char* reason() const { return reason_; }
  size_t error_offset() const { return error_at_; }
  /// The text ends with the head of a message literal whose octets have not come yet.
  bool pending_literal() const { return pending_; }

  bool eat(char c) {
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool expect(char c, const char* reason) { return eat(c) || fail(reason); }
  bool sp() { return eat(' ') || fail(at_end() ? "Missing argument" : "Expected a space"); }
  /// A space, but only if `follows` comes after it.
  bool eat_sp_before(char follows);
  /// The end of the command; blanks before it are forgiven.
  bool end();

  /// The longest run of one class, possibly empty.
  std::string_view run(CharClass what);
  /// Letters, digits, "." and "-": FETCH items and the like, which "[" or "(" may follow.
  std::string_view word();
  /// The word if it is `upper` in any case; else nothing is taken.
  bool eat_word(std::string_view upper);
  bool tag(std::string& out);
  bool atom(std::string_view& out, const char* reason);
  bool number(uint32_t& out);
  bool nz_number(uint32_t& out);
  /// 63 bits, as RFC 9051 and RFC 7162 have it.
  bool number64(uint64_t& out);
  bool sequence_set(SequenceSet& out);
  bool string(std::string& out, bool literal8_allowed = false);
  bool nstring(std::optional<std::string>& out, bool literal8_allowed = false);
  bool astring(std::string& out);
  bool list_mailbox(std::string& out);
  bool flag_list(FlagSet& out);
  /// Message octets: literal or literal8, streamed or in the text.
  bool message_literal(LiteralData& out);

 private:
  bool quoted(std::string& out);
  bool literal_head(uint64_t& size, bool& binary);
  bool literal(std::string& out, bool literal8_allowed);

  std::string_view text_;
  std::span<const RawCommand::Streamed> streamed_;
  size_t at_ = 0;
  const char* reason_ = nullptr;
  size_t error_at_ = 0;
  bool pending_ = false;
};

/// For the reader: `raw` ends with a literal head; are these the octets of a message (APPEND, REPLACE) rather
/// than an argument?
bool at_message_literal(const RawCommand& raw);

}  // namespace dromos::imapd
