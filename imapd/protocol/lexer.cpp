#include "imapd/protocol/lexer.h"

#include <algorithm>

#include "common/base/strings.h"

namespace dromos::imapd {

bool Lexer::fail_at(size_t offset, const char* reason) {
  if (reason_ == nullptr) {
    reason_ = reason;
    error_at_ = offset;
  }
  return false;
}

bool Lexer::eat_sp_before(char follows) {
  if (at_ + 1 >= text_.size() || text_[at_] != ' ' || text_[at_ + 1] != follows) return false;
  ++at_;
  return true;
}

bool Lexer::end() {
  while (peek() == ' ') ++at_;
  return at_end() || fail("Unexpected text after the command");
}

std::string_view Lexer::run(CharClass what) {
  const std::string_view found = text_.substr(at_, span_of(text_.substr(at_), what));
  at_ += found.size();
  return found;
}

std::string_view Lexer::word() {
  size_t end = at_;
  while (end < text_.size() &&
         (is_alpha(text_[end]) || is_digit(text_[end]) || text_[end] == '.' || text_[end] == '-'))
    ++end;
  const std::string_view found = text_.substr(at_, end - at_);
  at_ = end;
  return found;
}

bool Lexer::eat_word(std::string_view upper) {
  const size_t start = at_;
  if (iequals(word(), upper)) return true;
  at_ = start;
  return false;
}

bool Lexer::tag(std::string& out) {
  const size_t start = at_;
  const std::string_view found = run(kTagChar);
  if (found.empty() || (!at_end() && peek() != ' ')) return fail_at(start, "Missing or invalid tag");
  out = found;
  return true;
}

bool Lexer::atom(std::string_view& out, const char* reason) {
  out = run(kAtomChar);
  return !out.empty() || fail(reason);
}

bool Lexer::number64(uint64_t& out) {
  const size_t start = at_;
  const auto value = parse_number<uint64_t>(run(kDigit));
  if (!value || *value > INT64_MAX) return fail_at(start, "Expected a number");
  out = *value;
  return true;
}

bool Lexer::number(uint32_t& out) {
  const size_t start = at_;
  uint64_t value = 0;
  if (!number64(value)) return false;
  if (value > UINT32_MAX) return fail_at(start, "Number is too large");
  out = static_cast<uint32_t>(value);
  return true;
}

bool Lexer::nz_number(uint32_t& out) {
  const size_t start = at_;
  if (!number(out)) return false;
  return out != 0 || fail_at(start, "Number must not be 0");
}

bool Lexer::sequence_set(SequenceSet& out) {
  const size_t start = at_;
  const size_t length = sequence_set_length(text_.substr(at_));
  auto set = SequenceSet::parse(text_.substr(at_, length));
  if (!set) return fail_at(start, "Invalid sequence set");
  at_ += length;
  out = std::move(*set);
  return true;
}

bool Lexer::quoted(std::string& out) {
  const size_t start = at_++;
  out.clear();
  while (true) {
    out.append(run(kQuotedChar));
    if (eat('"')) break;
    if (!eat('\\')) return fail_at(start, "Quoted string is not closed");
    if (peek() != '"' && peek() != '\\') return fail("Invalid escape in quoted string");
    out.push_back(text_[at_++]);
  }
  // RFC 9051 §4.3: 8-bit in quotes is UTF-8. Whether UTF-8 may be used yet is for the session.
  return is_utf8(out) || fail_at(start, "Quoted string is not valid UTF-8");
}

bool Lexer::literal_head(uint64_t& size, bool& binary) {
  binary = eat('~');
  if (!expect('{', "Expected a literal") || !number64(size)) return false;
  eat('+');
  return (expect('}', "Invalid literal") && expect('\r', "Invalid literal") &&
          expect('\n', "Invalid literal"));
}

bool Lexer::literal(std::string& out, bool literal8_allowed) {
  const size_t start = at_;
  uint64_t size = 0;
  bool binary = false;
  if (!literal_head(size, binary)) return false;
  if (binary && !literal8_allowed) return fail_at(start, "Binary literal is not allowed here");
  const auto is_here = [this](const RawCommand::Streamed& s) { return s.offset == at_; };
  if (std::any_of(streamed_.begin(), streamed_.end(), is_here) || size > text_.size() - at_)
    return fail_at(start, "Literal is not allowed here");
  out = text_.substr(at_, size);
  at_ += size;
  return true;
}

bool Lexer::string(std::string& out, bool literal8_allowed) {
  if (peek() == '"') return quoted(out);
  if (peek() == '{' || peek() == '~') return literal(out, literal8_allowed);
  return fail("Expected a string");
}

bool Lexer::nstring(std::optional<std::string>& out, bool literal8_allowed) {
  if (eat_word("NIL")) {
    out.reset();
    return true;
  }
  return string(out.emplace(), literal8_allowed);
}

bool Lexer::astring(std::string& out) {
  if (peek() == '"' || peek() == '{') return string(out);
  const std::string_view found = run(kAstringChar);
  if (found.empty()) return fail(at_end() ? "Missing argument" : "Expected an atom or string");
  out = found;
  return true;
}

bool Lexer::list_mailbox(std::string& out) {
  if (peek() == '"' || peek() == '{') return string(out);
  const std::string_view found = run(kListChar);
  if (found.empty()) return fail("Expected a mailbox name or pattern");
  out = found;
  return true;
}

bool Lexer::flag_list(FlagSet& out) {
  if (!expect('(', "Expected a list of flags")) return false;
  if (eat(')')) return true;
  while (true) {
    const size_t start = at_;
    eat('\\');
    run(kAtomChar);
    if (!add_flag(text_.substr(start, at_ - start), out)) return fail_at(start, "Invalid flag");
    if (eat(')')) return true;
    if (!expect(' ', "List of flags is not closed")) return false;
  }
}

bool Lexer::message_literal(LiteralData& out) {
  const size_t start = at_;
  if (peek() != '{' && peek() != '~') return fail("Expected a literal");
  if (!literal_head(out.size, out.binary)) return false;
  const auto streamed =
      std::lower_bound(streamed_.begin(), streamed_.end(), at_,
                       [](const RawCommand::Streamed& s, size_t offset) { return s.offset < offset; });
  if (streamed != streamed_.end() && streamed->offset == at_) {
    out.stream = static_cast<uint32_t>(streamed - streamed_.begin());
    return true;
  }
  if (out.size > text_.size() - at_ || (out.size == 0 && at_end())) {
    pending_ = at_end();
    return fail_at(start, "Literal is not complete");
  }
  out.data = text_.substr(at_, out.size);
  at_ += out.size;
  return true;
}

bool at_message_literal(const RawCommand& raw) {
  Lexer lexer(raw);
  std::string skipped;
  std::string_view verb;
  if (!lexer.tag(skipped) || !lexer.sp() || !lexer.atom(verb, "")) return false;
  if (iequals(verb, "UID") && (!lexer.sp() || !lexer.atom(verb, ""))) return false;
  if (iequals(verb, "REPLACE")) {
    SequenceSet number;
    if (!lexer.sp() || !lexer.sequence_set(number)) return false;
  } else if (!iequals(verb, "APPEND")) {
    return false;
  }
  // The mailbox itself may be a literal, this one or an earlier one.
  if (!lexer.sp() || !lexer.astring(skipped) || lexer.at_end()) return false;
  const std::string_view text = raw.text;
  std::string_view before = text.substr(0, text.rfind('{'));
  const auto is_url = [&before](std::string_view opener) {
    return before.size() >= opener.size() && iequals(before.substr(before.size() - opener.size()), opener);
  };
  return !is_url(" URL ") && !is_url("(URL ");
}

}  // namespace dromos::imapd
