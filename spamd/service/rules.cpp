#include "spamd/service/rules.h"

#include <algorithm>
#include <string>

#include "common/base/strings.h"
#include "common/mime/address.h"
#include "common/mime/charset.h"
#include "common/mime/date.h"
#include "spamd/service/url.h"

namespace dromos::spamd {
namespace {

struct Context {
  const MailView& mail;
  const Envelope& envelope;
  const ContentStats& content;
  std::vector<mime::Address> from;
  std::string from_domain;
};

/// Tells whether the rule holds; `detail` may say what was found.
using Test = bool (*)(const Context&, std::string& detail);

struct Entry {
  Rule rule;
  Test test;
};

std::string domain_of_field(const MailView& mail, std::string_view name) {
  const std::string email = mime::first_email(mail.value(name));
  const size_t at = email.rfind('@');
  return at == email.npos ? std::string() : registered_domain(to_lower(email.substr(at + 1)));
}

bool is_reply_subject(std::string_view subject) {
  return istarts_with(subject, "re:") || istarts_with(subject, "re[");
}

bool missing_date(const Context& c, std::string&) {
  return c.mail.field("date") == nullptr;
}
bool invalid_date(const Context& c, std::string& detail) {
  const FieldView* date = c.mail.field("date");
  if (date == nullptr || mime::parse_date(date->raw)) return false;
  detail = date->value;
  return true;
}
bool missing_message_id(const Context& c, std::string&) {
  return trim(c.mail.value("message-id")).empty();
}
bool odd_message_id(const Context& c, std::string& detail) {
  const std::string_view id = trim(c.mail.value("message-id"));
  if (id.empty()) return false;
  const size_t at = id.find('@');
  const bool good = id.front() == '<' && id.back() == '>' && at != id.npos &&
                    id.find('@', at + 1) == id.npos && id.find(' ') == id.npos && id.size() - at > 2;
  if (!good) detail = id;
  return !good;
}
bool missing_from(const Context& c, std::string&) {
  return c.mail.field("from") == nullptr || c.from.empty();
}
bool several_from(const Context& c, std::string&) {
  return c.mail.count("from") > 1 || c.from.size() > 1;
}
bool repeated_field(const Context& c, std::string& detail) {
  for (const std::string_view name : {"subject", "date", "message-id", "to", "reply-to", "content-type"}) {
    if (c.mail.count(name) > 1) {
      detail = name;
      return true;
    }
  }
  return false;
}
bool from_without_domain(const Context& c, std::string& detail) {
  if (c.from.empty()) return false;
  const auto& first = c.from.front();
  if (!first.mailbox.empty() && first.host.find('.') != std::string::npos) return false;
  detail = c.mail.value("from");
  return true;
}
bool name_shows_other_address(const Context& c, std::string& detail) {
  if (c.from.empty()) return false;
  const std::string& name = c.from.front().name;
  const size_t at = name.find('@');
  if (at == std::string::npos || at == 0 || at + 3 >= name.size()) return false;
  const size_t end = name.find_first_of(" >\")'", at);
  const std::string shown = registered_domain(to_lower(std::string_view(name).substr(at + 1, end - at - 1)));
  if (shown.find('.') == std::string::npos || shown == c.from_domain) return false;
  detail = name;
  return true;
}
bool reply_to_elsewhere(const Context& c, std::string& detail) {
  const std::string reply = domain_of_field(c.mail, "reply-to");
  if (reply.empty() || c.from_domain.empty() || reply == c.from_domain) return false;
  detail = reply;
  return true;
}
bool missing_to(const Context& c, std::string&) {
  return c.mail.field("to") == nullptr && c.mail.field("cc") == nullptr;
}
bool undisclosed(const Context& c, std::string&) {
  return to_lower(c.mail.value("to").substr(0, 100)).find("undisclosed") != std::string::npos;
}
bool many_recipients(const Context& c, std::string& detail) {
  const std::string_view to = c.mail.value("to");
  const std::string_view cc = c.mail.value("cc");
  const auto count = std::count(to.begin(), to.end(), '@') + std::count(cc.begin(), cc.end(), '@');
  detail = std::to_string(count);
  return count > 20;
}
bool sent_to_self(const Context& c, std::string&) {
  const std::string from = to_lower(mime::first_email(c.mail.value("from")));
  return !from.empty() && from == to_lower(mime::first_email(c.mail.value("to")));
}
bool subject_capitals(const Context& c, std::string&) {
  const std::string_view subject = c.mail.value("subject");
  size_t upper = 0;
  size_t lower = 0;
  for (const char ch : subject) {
    upper += ch >= 'A' && ch <= 'Z';
    lower += ch >= 'a' && ch <= 'z';
  }
  return upper >= 8 && lower == 0;
}
bool subject_empty(const Context& c, std::string&) {
  return trim(c.mail.value("subject")).empty();
}
bool subject_shouts(const Context& c, std::string&) {
  const std::string_view subject = c.mail.value("subject");
  return subject.find("!!") != subject.npos || subject.find("??") != subject.npos ||
         subject.find("$$") != subject.npos;
}
bool subject_padded(const Context& c, std::string& detail) {
  const std::string_view subject = trim(c.mail.value("subject"));
  const size_t gap = subject.find("      ");
  if (gap == subject.npos) return false;
  detail = trim(subject.substr(gap));
  return true;
}
bool needless_encoding(const Context& c, std::string& detail) {
  for (const std::string_view name : {"subject", "from"}) {
    const FieldView* field = c.mail.field(name);
    if (field != nullptr && field->raw.find("=?") != std::string::npos && field->value != field->raw &&
        is_ascii(field->value)) {
      detail = name;
      return true;
    }
  }
  return false;
}
bool raw_8bit_header(const Context& c, std::string& detail) {
  for (const std::string_view name : {"subject", "from", "to"}) {
    const FieldView* field = c.mail.field(name);
    if (field != nullptr && !is_ascii(field->raw)) {
      detail = name;
      return true;
    }
  }
  return false;
}
bool zero_width_header(const Context& c, std::string&) {
  const std::string both = std::string(c.mail.value("subject")) + std::string(c.mail.value("from"));
  for (const std::string_view sign :
       {"\xe2\x80\x8b", "\xe2\x80\x8c", "\xe2\x80\x8d", "\xc2\xad", "\xef\xbb\xbf", "\xe2\x80\xae"}) {
    if (both.find(sign) != std::string::npos) return true;
  }
  return false;
}
bool fake_reply(const Context& c, std::string&) {
  return is_reply_subject(trim(c.mail.value("subject"))) && c.mail.field("in-reply-to") == nullptr &&
         c.mail.field("references") == nullptr;
}
bool real_reply(const Context& c, std::string&) {
  return is_reply_subject(trim(c.mail.value("subject"))) &&
         (c.mail.field("in-reply-to") != nullptr || c.mail.field("references") != nullptr);
}
bool urgent(const Context& c, std::string&) {
  const std::string_view priority = trim(c.mail.value("x-priority"));
  return priority.starts_with('1') || priority.starts_with('2') ||
         iequals(trim(c.mail.value("importance")), "high");
}
bool forged_outlook(const Context& c, std::string&) {
  const std::string_view mailer = c.mail.value("x-mailer");
  const bool express = mailer.find("Outlook Express") != mailer.npos;
  return express && c.mail.field("x-mimeole") == nullptr;
}
bool mime_without_version(const Context& c, std::string&) {
  return c.mail.field("content-type") != nullptr && c.mail.field("mime-version") == nullptr;
}
bool sent_by_root(const Context& c, std::string&) {
  return std::any_of(c.mail.fields.begin(), c.mail.fields.end(), [](const FieldView& f) {
    return f.name == "received" && f.raw.find("from userid 0)") != std::string::npos;
  });
}
bool many_hops(const Context& c, std::string& detail) {
  const size_t hops = c.mail.count("received");
  detail = std::to_string(hops);
  return hops > 15;
}
bool html_only(const Context& c, std::string&) {
  return c.content.html_parts > 0 && c.content.plain_parts == 0;
}
bool base64_text(const Context& c, std::string&) {
  return c.content.base64_text_parts > 0;
}
bool image_mail(const Context& c, std::string& detail) {
  detail = std::to_string(c.content.images) + " images, " + std::to_string(c.content.words) + " words";
  return c.content.images > 0 && c.content.words < 30 * c.content.images && c.content.words < 200;
}
bool empty_body(const Context& c, std::string&) {
  return c.content.words == 0 && c.content.attachments == 0;
}
bool hidden_text(const Context& c, std::string& detail) {
  detail = std::to_string(c.content.hidden_bytes) + " bytes";
  return c.content.hidden_bytes > 200;
}
bool zero_width(const Context& c, std::string& detail) {
  detail = std::to_string(c.content.zero_width);
  return c.content.zero_width >= 4;
}
bool link_mismatch(const Context& c, std::string& detail) {
  detail = std::to_string(c.content.mismatched_links);
  return c.content.mismatched_links > 0;
}
bool link_ip(const Context& c, std::string& detail) {
  detail = c.content.ip_link;
  return c.content.ip_links > 0;
}
bool link_port(const Context& c, std::string&) {
  return c.content.port_links > 0;
}
bool link_user(const Context& c, std::string&) {
  return c.content.user_links > 0;
}
bool link_short(const Context& c, std::string& detail) {
  detail = c.content.shortened_link;
  return c.content.shortened_links > 0;
}
bool html_form(const Context& c, std::string&) {
  return c.content.form;
}
bool html_script(const Context& c, std::string&) {
  return c.content.script;
}
bool html_comments(const Context& c, std::string& detail) {
  detail = std::to_string(c.content.comments);
  return c.content.comments > 30;
}
bool risky_attachment(const Context& c, std::string& detail) {
  detail = c.content.risky_attachment;
  return !detail.empty();
}
bool shouting(const Context& c, std::string& detail) {
  detail = std::to_string(c.content.capital_words) + " of " + std::to_string(c.content.words) + " words";
  return c.content.words >= 20 && c.content.capital_words * 4 > c.content.words;
}
bool helo_ip(const Context& c, std::string& detail) {
  detail = c.envelope.helo;
  return !detail.empty() && detail.find_first_not_of("0123456789.") == std::string::npos;
}
bool helo_undotted(const Context& c, std::string& detail) {
  detail = c.envelope.helo;
  return !detail.empty() && detail.find('.') == std::string::npos && detail.front() != '[';
}
bool no_reverse_name(const Context& c, std::string& detail) {
  detail = c.envelope.client_ip;
  return !detail.empty() && c.envelope.client_name.empty() && c.envelope.auth_user.empty();
}
bool sender_elsewhere(const Context& c, std::string& detail) {
  const size_t at = c.envelope.mail_from.rfind('@');
  if (at == std::string::npos || c.from_domain.empty()) return false;
  detail = registered_domain(to_lower(std::string_view(c.envelope.mail_from).substr(at + 1)));
  return detail != c.from_domain;
}
bool authenticated(const Context& c, std::string&) {
  return !c.envelope.auth_user.empty();
}

const std::vector<Entry>& entries() {
  static const std::vector<Entry> kEntries = {
      {{"DATE_MISSING", 0.9, "no Date field"}, missing_date},
      {{"DATE_INVALID", 0.7, "the Date field is no date"}, invalid_date},
      {{"MESSAGE_ID_MISSING", 0.8, "no Message-ID field"}, missing_message_id},
      {{"MESSAGE_ID_ODD", 0.8, "the Message-ID is not of the form <left@right>"}, odd_message_id},
      {{"FROM_MISSING", 1.5, "no sender in the header"}, missing_from},
      {{"FROM_SEVERAL", 0.8, "more than one sender in the header"}, several_from},
      {{"FIELD_REPEATED", 0.6, "a field that may occur once occurs more often"}, repeated_field},
      {{"FROM_NO_DOMAIN", 1.0, "the sender's address is incomplete"}, from_without_domain},
      {{"FROM_NAME_OTHER_ADDRESS", 1.5, "the sender's name shows an address of another domain"},
       name_shows_other_address},
      {{"REPLY_TO_ELSEWHERE", 0.5, "answers go to another domain than the sender's"}, reply_to_elsewhere},
      {{"TO_MISSING", 0.6, "no recipient in the header"}, missing_to},
      {{"TO_UNDISCLOSED", 0.5, "recipients are undisclosed"}, undisclosed},
      {{"TO_MANY", 0.4, "more than 20 recipients in the header"}, many_recipients},
      {{"TO_IS_FROM", 0.5, "sender and recipient are the same in the header"}, sent_to_self},
      {{"SUBJECT_ALL_CAPS", 0.9, "the subject is in capitals"}, subject_capitals},
      {{"SUBJECT_EMPTY", 0.3, "no subject"}, subject_empty},
      {{"SUBJECT_SHOUTS", 0.6, "the subject has doubled !, ? or $"}, subject_shouts},
      {{"SUBJECT_PADDED", 1.2, "the subject ends in something after a long gap"}, subject_padded},
      {{"HEADER_NEEDLESSLY_ENCODED", 0.6, "plain ASCII hidden in encoded words"}, needless_encoding},
      {{"HEADER_RAW_8BIT", 0.4, "unencoded 8-bit bytes in the header"}, raw_8bit_header},
      {{"HEADER_INVISIBLE", 1.2, "invisible characters in subject or sender"}, zero_width_header},
      {{"SUBJECT_FAKE_REPLY", 0.4, "\"Re:\" without a reference to another message"}, fake_reply},
      {{"REPLY", -0.8, "an answer that names the message it answers"}, real_reply},
      {{"PRIORITY_HIGH", 0.4, "marked as urgent"}, urgent},
      {{"MAILER_FORGED", 0.8, "claims to be Outlook Express without its marks"}, forged_outlook},
      {{"MIME_NO_VERSION", 0.4, "Content-Type without MIME-Version"}, mime_without_version},
      {{"SENT_BY_ROOT", 0.7, "handed in by a script that runs as root"}, sent_by_root},
      {{"HOPS_MANY", 0.4, "more than 15 Received fields"}, many_hops},
      {{"HTML_ONLY", 0.5, "HTML without a plain text part"}, html_only},
      {{"TEXT_BASE64", 0.8, "ASCII text in base64"}, base64_text},
      {{"IMAGES_FEW_WORDS", 0.6, "images and little text"}, image_mail},
      {{"BODY_EMPTY", 0.3, "nothing to read"}, empty_body},
      {{"TEXT_HIDDEN", 0.8, "text styled to be invisible"}, hidden_text},
      {{"TEXT_ZERO_WIDTH", 1.0, "words broken by invisible characters"}, zero_width},
      {{"LINK_MISMATCH", 1.3, "a link shows one host and leads to another"}, link_mismatch},
      {{"LINK_IP", 1.2, "a link to a numeric address"}, link_ip},
      {{"LINK_PORT", 0.3, "a link to an unusual port"}, link_port},
      {{"LINK_USER", 0.8, "a link with a user name before the host"}, link_user},
      {{"LINK_SHORTENED", 0.4, "a link through a URL shortener"}, link_short},
      {{"HTML_FORM", 0.7, "an HTML form"}, html_form},
      {{"HTML_SCRIPT", 0.7, "a script in HTML"}, html_script},
      {{"HTML_COMMENTS", 0.4, "more than 30 HTML comments"}, html_comments},
      {{"ATTACHMENT_RISKY", 1.8, "an attachment of a kind that can run"}, risky_attachment},
      {{"TEXT_CAPITALS", 0.6, "a quarter of the text is in capitals"}, shouting},
      {{"HELO_IP", 1.0, "the client called itself by a bare address"}, helo_ip},
      {{"HELO_UNDOTTED", 0.8, "the client called itself by an unqualified name"}, helo_undotted},
      {{"CLIENT_NO_NAME", 0.4, "the client's address has no verified name"}, no_reverse_name},
      {{"ENVELOPE_ELSEWHERE", 0.2, "envelope sender and header sender differ in domain"}, sender_elsewhere},
      {{"AUTHENTICATED", -3.0, "handed in by a user of this server"}, authenticated},
  };
  return kEntries;
}

}  // namespace

std::vector<RuleHit> run_rules(const MailView& mail, const Envelope& envelope, const ContentStats& content) {
  Context context{mail, envelope, content, {}, domain_of_field(mail, "from")};
  for (auto& address : mime::parse_address_list(mail.value("from").substr(0, 2000))) {
    if (address.kind == mime::Address::Kind::mailbox) context.from.push_back(std::move(address));
  }
  std::vector<RuleHit> hits;
  for (const Entry& entry : entries()) {
    std::string detail;
    if (!entry.test(context, detail)) continue;
    detail = clean_utf8(detail);
    hits.push_back({&entry.rule, std::string(mime::utf8_prefix(detail, kMaxDetail))});
  }
  return hits;
}

const std::vector<Rule>& all_rules() {
  static const std::vector<Rule> kRules = [] {
    std::vector<Rule> rules;
    for (const Entry& entry : entries()) rules.push_back(entry.rule);
    return rules;
  }();
  return kRules;
}

const Rule* find_rule(std::string_view name) {
  for (const Rule& rule : all_rules()) {
    if (rule.name == name) return &rule;
  }
  return nullptr;
}

}  // namespace dromos::spamd
