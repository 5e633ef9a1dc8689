#include "common/mime/address.h"

#include "common/base/strings.h"
#include "common/mime/charset.h"
#include "common/mime/encodings.h"
#include "common/mime/header.h"
#include "common/mime/lexer.h"

namespace dromos::mime {
namespace {

// One pass over the list. An entry starts as a phrase; the character behind it tells what it was.
class ListParser {
 public:
  explicit ListParser(std::string_view text) : lexer_(text) {}

  AddressList run() {
    while (list_.size() < kMaxAddresses) {
      blanks();
      comment_.clear();  // one that leads names nobody
      if (lexer_.at_end()) break;
      if (lexer_.accept(',')) continue;
      if (lexer_.peek() == ';') {
        lexer_.advance();
        end_group();
        continue;
      }
      entry();
    }
    end_group();
    return std::move(list_);
  }

 private:
  void blanks() { lexer_.skip_blanks(&comment_); }

  void end_group() {
    if (!in_group_) return;
    in_group_ = false;
    list_.emplace_back().kind = Address::Kind::group_end;
  }

  // phrase = words and dots (RFC 5322 §4.1 obs-phrase); `joined` is the same read as a local part.
  void phrase(std::string& text, std::string& joined) {
    bool space = false;
    while (!lexer_.at_end()) {
      const char c = lexer_.peek();
      if (c == '"') {
        if (space) text += ' ';
        std::string quoted;
        lexer_.quoted_string(quoted);
        text += quoted;
        joined += quoted;
      } else if (c == '.') {
        lexer_.advance();
        text += '.';
        joined += '.';
      } else {
        if (!is_atext(c)) return;
        if (space) text += ' ';
        std::string atom;
        lexer_.atom(atom);
        text += atom;
        joined += atom;
      }
      const char next = lexer_.peek();
      space = (is_atext(next) || next == '"') && c != '.' && next != '.';
      if (lexer_.skip_blanks(&comment_)) space = true;
    }
  }

  void domain(std::string& out) {
    blanks();
    while (!lexer_.at_end()) {
      if (lexer_.peek() == '[') {
        lexer_.domain_literal(out);
      } else if (lexer_.peek() == '.') {
        lexer_.advance();
        out += '.';
      } else if (!lexer_.atom(out)) {
        return;
      }
      const bool dot = out.ends_with('.');
      if (lexer_.skip_blanks(&comment_) && !dot && lexer_.peek() != '.') return;
    }
  }

  // Behind '<': [obs-route ":"] addr-spec ">".
  void angle(Address& out) {
    blanks();
    while (lexer_.peek() == '@' || (lexer_.peek() == ',' && !out.route.empty())) {
      const char mark = lexer_.peek();
      lexer_.advance();
      if (mark == ',') {
        blanks();
        if (lexer_.peek() == '@') out.route += ',';
        continue;
      }
      out.route += '@';
      domain(out.route);
    }
    if (!out.route.empty() && !lexer_.accept(':')) {  // "<@host>": no route but an address without local part
      out.host = out.route.substr(1);
      out.route.clear();
    }
    blanks();
    std::string text;
    phrase(text, out.mailbox);
    if (lexer_.accept('@')) domain(out.host);
    while (!lexer_.at_end() && lexer_.peek() != '>') {  // what does not belong here is dropped
      if (lexer_.peek() == ',' || lexer_.peek() == '<') return;
      if (lexer_.peek() == '"') {
        std::string ignored;
        lexer_.quoted_string(ignored);
      } else {
        lexer_.advance();
      }
    }
    lexer_.accept('>');
  }

  void entry() {
    const size_t begin = lexer_.position();
    std::string text, joined;
    phrase(text, joined);
    if (lexer_.at_end() && text.empty()) return;
    Address& out = list_.emplace_back();
    switch (lexer_.peek()) {
      case ':':
        if (!in_group_) {
          lexer_.advance();
          out.kind = Address::Kind::group_begin;
          out.name = std::move(text);
          out.has_name = true;
          in_group_ = true;
          return;
        }
        break;
      case '<':
        lexer_.advance();
        out.name = std::move(text);
        out.has_name = !out.name.empty();
        angle(out);
        return resync(begin);  // a comment behind it is no name, as Dovecot and Cyrus agree
      case '@':
        lexer_.advance();
        out.mailbox = std::move(joined);
        domain(out.host);
        blanks();
        if (lexer_.peek() == '<') {  // user@host <user@host>: the first is the name
          out.name = out.mailbox + "@" + out.host;
          out.has_name = true;
          out.mailbox.clear();
          out.host.clear();
          lexer_.advance();
          angle(out);
        }
        break;
      default:
        out.mailbox = std::move(text);
    }
    blanks();
    if (!out.has_name && !comment_.empty()) {
      out.name = std::string(trim(comment_));
      out.has_name = true;
    }
    resync(begin);
  }

  // To the next separator, over what could not be understood.
  void resync(size_t begin) {
    std::string ignored;
    while (!lexer_.at_end() && lexer_.peek() != ',' && lexer_.peek() != ';') {
      if (lexer_.peek() == '"')
        lexer_.quoted_string(ignored);
      else
        lexer_.advance();
      ignored.clear();
    }
    if (lexer_.position() == begin) lexer_.advance();
  }

  Lexer lexer_;
  AddressList list_;
  std::string comment_;
  bool in_group_ = false;
};

std::string full_email(const Address& address) {
  if (address.host.empty()) return clean_utf8(address.mailbox);
  return clean_utf8(address.mailbox + "@" + address.host);
}

bool needs_quotes(std::string_view text) {
  for (const char c : text)
    if (!is_atext(c) && c != ' ') return true;
  return text.empty() || text.front() == ' ' || text.back() == ' ' ||
         text.find("  ") != std::string_view::npos;
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c == '\r' || c == '\n' || c == '\0' ? ' ' : c;
  }
  return out + '"';
}

bool is_dot_atom(std::string_view text) {
  for (const std::string_view atom : split(text, '.')) {
    if (atom.empty()) return false;
    for (const char c : atom)
      if (!is_atext(c)) return false;
  }
  return true;
}

}  // namespace

AddressList parse_address_list(std::string_view value) {
  return ListParser(value).run();
}

std::vector<EmailAddress> email_addresses(std::string_view value) {
  std::vector<EmailAddress> out;
  for (const Address& address : parse_address_list(value)) {
    if (address.kind != Address::Kind::mailbox) continue;
    out.push_back({std::string(trim(decode_text(address.name))), full_email(address)});
  }
  return out;
}

std::vector<EmailGroup> email_groups(std::string_view value) {
  std::vector<EmailGroup> out;
  bool open = false;
  for (const Address& address : parse_address_list(value)) {
    if (address.kind == Address::Kind::group_begin) {
      out.push_back({std::string(trim(decode_text(address.name))), true, {}});
      open = true;
    } else if (address.kind == Address::Kind::group_end) {
      open = false;
    } else {
      if (out.empty() || (!open && out.back().named)) out.push_back({"", false, {}});
      out.back().addresses.push_back({std::string(trim(decode_text(address.name))), full_email(address)});
    }
  }
  return out;
}

std::string format_address(std::string_view name_utf8, std::string_view email) {
  std::string address;
  const size_t at = email.rfind('@');
  const std::string_view local = email.substr(0, at);
  address += is_dot_atom(local) ? std::string(local) : quoted(local);
  if (at != std::string_view::npos)
    for (const char c : email.substr(at))
      if (!is_space(c) && c != '<' && c != '>' && c != '\0') address += c;
  if (trim(name_utf8).empty()) return address;
  std::string name;
  if (is_ascii(name_utf8) && name_utf8.find("=?") == std::string_view::npos)
    name = needs_quotes(name_utf8) ? quoted(name_utf8) : std::string(name_utf8);
  else
    name = encode_words(name_utf8);
  return name + " <" + address + ">";
}

std::string first_email(std::string_view value) {
  for (const Address& address : parse_address_list(value))
    if (address.kind == Address::Kind::mailbox && !address.mailbox.empty()) return full_email(address);
  return {};
}

}  // namespace dromos::mime
