#include "spamd/service/header_tokens.h"

#include <algorithm>
#include <array>

#include "common/base/strings.h"
#include "common/mime/address.h"
#include "spamd/service/url.h"
#include "spamd/service/words.h"

namespace dromos::spamd {
namespace {

constexpr size_t kMaxShape = 40;

/// Fields a sender's software writes. Others say where the message has been, not what it is.
constexpr std::array<std::string_view, 44> kSenderFields = {"bcc",
                                                            "cc",
                                                            "comments",
                                                            "content-class",
                                                            "content-description",
                                                            "content-disposition",
                                                            "content-id",
                                                            "content-language",
                                                            "content-transfer-encoding",
                                                            "content-type",
                                                            "date",
                                                            "disposition-notification-to",
                                                            "encoding",
                                                            "errors-to",
                                                            "expires",
                                                            "feedback-id",
                                                            "from",
                                                            "importance",
                                                            "in-reply-to",
                                                            "keywords",
                                                            "list-unsubscribe",
                                                            "list-unsubscribe-post",
                                                            "message-id",
                                                            "mime-version",
                                                            "organization",
                                                            "precedence",
                                                            "references",
                                                            "reply-to",
                                                            "return-receipt-to",
                                                            "sender",
                                                            "subject",
                                                            "thread-index",
                                                            "thread-topic",
                                                            "to",
                                                            "user-agent",
                                                            "x-accept-language",
                                                            "x-mailer",
                                                            "x-mimeole",
                                                            "x-msmail-priority",
                                                            "x-originating-ip",
                                                            "x-priority",
                                                            "x-sender",
                                                            "x-url",
                                                            "x-uidl"};

void add_names(TokenSet& tokens, const MailView& mail) {
  for (const FieldView& field : mail.fields) {
    const bool known = std::binary_search(kSenderFields.begin(), kSenderFields.end(), field.name);
    if (known) tokens.add(Group::header, "field:", field.name);
  }
}

void add_mailer(TokenSet& tokens, const MailView& mail) {
  for (const std::string_view name : {"x-mailer", "user-agent", "organization", "x-mimeole"}) {
    const std::string_view value = mail.value(name);
    if (value.empty()) continue;
    const std::string tag = std::string(name) + ":";
    add_words(tokens, value.substr(0, 200),
              {.words = Group::header, .pairs = Group::header, .tag = tag, .max_words = 12, .window = 0});
  }
  for (const std::string_view name :
       {"x-priority", "importance", "x-msmail-priority", "precedence", "content-language"}) {
    const std::string_view value = mail.value(name);
    if (!value.empty()) tokens.add(Group::header, std::string(name) + ":", to_lower(value.substr(0, 24)));
  }
}

void add_address(TokenSet& tokens, std::string_view which, std::string_view value) {
  const auto list = mime::parse_address_list(value.substr(0, 2000));
  size_t seen = 0;
  for (const auto& address : list) {
    if (address.kind != mime::Address::Kind::mailbox || ++seen > 3) continue;
    const std::string host = to_lower(address.host);
    const std::string domain = registered_domain(host);
    tokens.add(Group::sender, std::string(which) + "domain:", domain);
    tokens.add(Group::sender, std::string(which) + "tld:", host.substr(host.rfind('.') + 1));
    if (host != domain) tokens.add(Group::sender, std::string(which) + "host:", host);
    tokens.add(Group::sender, std::string(which) + "local:", to_lower(address.mailbox).substr(0, 64));
    tokens.add(Group::sender, std::string(which) + "shape:", shape_of(address.mailbox));
  }
  if (seen == 0) tokens.add(Group::sender, std::string(which) + "none");
}

void add_message_id(TokenSet& tokens, const MailView& mail) {
  const FieldView* field = mail.field("message-id");
  if (field == nullptr) return;
  const std::string_view id = trim(field->raw);
  const size_t at = id.rfind('@');
  tokens.add(Group::header, "midshape:", shape_of(id.substr(0, at)));
  if (at == id.npos) return;
  std::string host = to_lower(id.substr(at + 1));
  while (!host.empty() && (host.back() == '>' || host.back() == ' ')) host.pop_back();
  const std::string domain = registered_domain(host);
  tokens.add(Group::header, "middomain:", domain.substr(0, 64));
  if (host.find('.') == host.npos) tokens.add(Group::header, "midhost:", "undotted");
  const std::string from = registered_domain(to_lower(mime::first_email(mail.value("from"))));
  const bool same = !domain.empty() && from.ends_with(domain);
  tokens.add(Group::header, "midfrom:", same ? "same" : "other");
}

/// The people a message is for: how many and how written, never who.
void add_recipients(TokenSet& tokens, const MailView& mail) {
  for (const std::string_view name : {"to", "cc"}) {
    const std::string_view value = mail.value(name);
    if (mail.field(name) == nullptr) continue;
    const size_t count = static_cast<size_t>(std::count(value.begin(), value.end(), '@'));
    const char* bucket = count == 0 ? "0" : count == 1 ? "1" : count <= 3 ? "2-3" : count <= 8 ? "4-8" : "9+";
    tokens.add(Group::header, std::string(name) + "count:", bucket);
    const bool named = value.find('<') != value.npos && trim(value).front() != '<';
    tokens.add(Group::header, std::string(name) + "named:", named ? "yes" : "no");
  }
}

void add_date(TokenSet& tokens, const MailView& mail) {
  const std::string_view value = trim(mail.value("date"));
  if (value.empty()) return;
  // The zone and the way of writing it, not the time.
  const size_t colon = value.rfind(':');
  if (colon != value.npos && colon + 3 < value.size()) {
    tokens.add(Group::header, "zone:", trim(value.substr(colon + 3)).substr(0, 16));
  }
}

void add_content_type(TokenSet& tokens, const MailView& mail) {
  const FieldView* field = mail.field("content-type");
  if (field == nullptr) return;
  const std::string lower = to_lower(field->raw);
  const size_t at = lower.find("boundary=");
  if (at == lower.npos) return;
  std::string_view boundary = std::string_view(field->raw).substr(at + 9);
  if (boundary.starts_with('"')) boundary.remove_prefix(1);
  boundary = boundary.substr(0, boundary.find_first_of("\"; "));
  tokens.add(Group::header, "boundary:", shape_of(boundary));
}

}  // namespace

std::string shape_of(std::string_view text) {
  std::string shape;
  for (const char c : text) {
    if (shape.size() >= kMaxShape) break;
    const char kind = is_digit(c) ? '9' : c >= 'A' && c <= 'Z' ? 'A' : c >= 'a' && c <= 'z' ? 'a' : c;
    if (!shape.empty() && shape.back() == kind && (kind == '9' || kind == 'A' || kind == 'a')) continue;
    shape.push_back(kind);
  }
  return shape;
}

void add_header_tokens(TokenSet& tokens, const MailView& mail) {
  add_names(tokens, mail);
  add_mailer(tokens, mail);
  add_address(tokens, "from:", mail.value("from"));
  if (mail.field("reply-to") != nullptr) add_address(tokens, "reply:", mail.value("reply-to"));
  add_message_id(tokens, mail);
  add_recipients(tokens, mail);
  add_date(tokens, mail);
  add_content_type(tokens, mail);
  add_words(
      tokens, mail.value("subject").substr(0, 1000),
      {.words = Group::subject, .pairs = Group::subject, .tag = "subject:", .max_words = 60, .window = 2});
  const auto from = mime::parse_address_list(mail.value("from").substr(0, 2000));
  if (!from.empty() && from.front().has_name) {
    add_words(
        tokens, std::string_view(from.front().name).substr(0, 200),
        {.words = Group::subject, .pairs = Group::subject, .tag = "name:", .max_words = 12, .window = 1});
  }
}

}  // namespace dromos::spamd
