#include "common/mime/lexer.h"

#include "common/base/strings.h"
#include "common/mime/address.h"

namespace dromos::mime {
namespace {

constexpr std::string_view kTspecials = "()<>@,;:\\\"/[]?=";
constexpr std::string_view kSpecials = "()<>[]:;@\\,.\"";

struct Table {
  bool token[256] = {};
  bool atext[256] = {};
  constexpr Table() {
    for (int c = 33; c < 256; ++c) {
      if (c == 127) continue;
      token[c] = kTspecials.find(static_cast<char>(c)) == std::string_view::npos;
      atext[c] = kSpecials.find(static_cast<char>(c)) == std::string_view::npos;
    }
  }
};
constexpr Table kTable;

}  // namespace

bool is_atext(char c) {
  return kTable.atext[static_cast<unsigned char>(c)];
}

bool Lexer::accept(char c) {
  if (at_end() || text_[at_] != c) return false;
  ++at_;
  return true;
}

bool Lexer::skip_blanks(std::string* last_comment) {
  const size_t begin = at_;
  while (!at_end()) {
    const char c = text_[at_];
    if (is_space(c)) {
      ++at_;
    } else if (c == '(') {
      std::string found;
      comment(last_comment != nullptr ? &found : nullptr);
      if (last_comment != nullptr && !trim(found).empty()) *last_comment = std::move(found);
    } else {
      break;
    }
  }
  return at_ != begin;
}

// RFC 5322 §3.2.2, nested; one that is not closed, or is too deep, runs to the end.
bool Lexer::comment(std::string* out) {
  size_t depth = 0;
  while (!at_end()) {
    const char c = text_[at_++];
    if (c == '(') {
      if (++depth > kMaxCommentDepth) break;
      if (depth == 1) continue;
    } else if (c == ')') {
      if (--depth == 0) return true;
    } else if (c == '\\' && !at_end()) {
      if (out != nullptr) *out += text_[at_];
      ++at_;
      continue;
    } else if (c == '\r' || c == '\n') {
      continue;
    }
    if (out != nullptr) *out += c;
  }
  at_ = text_.size();
  return false;
}

bool Lexer::token(std::string& out) {
  const size_t begin = at_;
  while (!at_end() && kTable.token[static_cast<unsigned char>(text_[at_])]) ++at_;
  out.append(text_.substr(begin, at_ - begin));
  return at_ != begin;
}

bool Lexer::atom(std::string& out) {
  const size_t begin = at_;
  while (!at_end() && is_atext(text_[at_])) ++at_;
  out.append(text_.substr(begin, at_ - begin));
  return at_ != begin;
}

bool Lexer::quoted_string(std::string& out) {
  ++at_;
  while (!at_end()) {
    const char c = text_[at_++];
    if (c == '"') return true;
    if (c == '\\') {
      if (at_end()) return false;
      out += text_[at_++];
    } else if (c != '\r' && c != '\n') {
      out += c;
    }
  }
  return false;
}

bool Lexer::domain_literal(std::string& out) {
  while (!at_end()) {
    const char c = text_[at_++];
    if (c == '\\' && !at_end()) {
      out += c;
      out += text_[at_++];
      continue;
    }
    if (!is_space(c)) out += c;
    if (c == ']') return true;
  }
  return false;
}

void Lexer::skip_to(char c) {
  at_ = text_.find(c, at_);
  if (at_ == std::string_view::npos) at_ = text_.size();
}

void Lexer::until_any(std::string_view stops, std::string& out) {
  const size_t end = std::min(text_.find_first_of(stops, at_), text_.size());
  out.append(text_.substr(at_, end - at_));
  at_ = end;
}

}  // namespace dromos::mime
