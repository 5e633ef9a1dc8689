#include "imapd/service/envelope.h"

#include "common/base/strings.h"
#include "common/mime/header.h"

namespace dromos::imapd {
namespace {

class EnvelopeReader {
 public:
  explicit EnvelopeReader(std::string_view text) : text_(text) {}
  bool eat(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool eat_nil() {
    if (text_.substr(at_, 3) != "NIL") return false;
    at_ += 3;
    return true;
  }
  /// `out` may be null: the string is passed by.
  bool nstring(std::optional<std::string>* out) {
    if (eat_nil()) return true;
    if (eat('{')) return literal(out);
    if (!eat('"')) return false;
    std::string value;
    while (at_ < text_.size() && text_[at_] != '"') {
      if (text_[at_] == '\\') ++at_;
      if (at_ < text_.size()) value += text_[at_++];
    }
    if (out != nullptr) *out = std::move(value);
    return eat('"');
  }
  bool address(EnvelopeAddress* out) {
    return eat('(') && nstring(out != nullptr ? &out->name : nullptr) && eat(' ') && nstring(nullptr) &&
           eat(' ') && nstring(out != nullptr ? &out->mailbox : nullptr) && eat(' ') &&
           nstring(out != nullptr ? &out->host : nullptr) && eat(')');
  }
  bool addresses(std::optional<EnvelopeAddress>& first) {
    if (eat_nil()) return true;
    if (!eat('(') || !address(&first.emplace())) return false;
    while (!eat(')'))
      if (!address(nullptr)) return false;
    return true;
  }

 private:
  bool literal(std::optional<std::string>* out) {
    size_t size = 0;
    for (; at_ < text_.size() && is_digit(text_[at_]) && size < text_.size(); ++at_)
      size = size * 10 + static_cast<size_t>(text_[at_] - '0');
    if (text_.substr(at_, 3) != "}\r\n" || size > text_.size() - at_ - 3) return false;
    at_ += 3;
    if (out != nullptr) *out = std::string(text_.substr(at_, size));
    at_ += size;
    return true;
  }
  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

bool first_addresses(std::string_view envelope, FirstAddresses& out) {
  EnvelopeReader reader(envelope);
  if (!reader.eat('(') || !reader.nstring(nullptr) || !reader.eat(' ') || !reader.nstring(nullptr))
    return false;
  for (auto& first : out)
    if (!reader.eat(' ') || !reader.addresses(first)) return false;
  return true;
}

std::string display_value(const EnvelopeAddress& address) {
  if (address.name)
    if (std::string name = mime::decode_words(*address.name); !name.empty()) return name;
  if (address.mailbox && address.host)
    return mime::decode_words(*address.mailbox) + "@" + mime::decode_words(*address.host);
  return address.mailbox ? mime::decode_words(*address.mailbox) : std::string();
}

}  // namespace dromos::imapd
