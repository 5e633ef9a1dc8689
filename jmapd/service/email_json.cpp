#include "jmapd/service/email_json.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "jmapd/protocol/arguments.h"
#include "jmapd/service/email_body.h"

namespace dromos::jmapd {
namespace {

using nlohmann::json;

constexpr const char* kRowProperties[] = {"id",       "blobId", "threadId",  "mailboxIds",
                                          "keywords", "size",   "receivedAt"};
constexpr const char* kBodyProperties[] = {"bodyStructure", "bodyValues", "textBody", "htmlBody",
                                           "attachments"};
constexpr const char* kPartProperties[] = {"partId",   "blobId",   "size",        "name",
                                           "type",     "charset",  "disposition", "cid",
                                           "language", "location", "subParts",    "headers"};
constexpr const char* kPartDefaults[] = {"partId",  "blobId",      "size", "name",     "type",
                                         "charset", "disposition", "cid",  "language", "location"};
/// RFC 8621 §4.2.
constexpr const char* kGetDefaults[] = {
    "id",        "blobId",    "threadId",   "mailboxIds", "keywords",      "size",    "receivedAt",
    "messageId", "inReplyTo", "references", "sender",     "from",          "to",      "cc",
    "bcc",       "replyTo",   "subject",    "sentAt",     "hasAttachment", "preview", "bodyValues",
    "textBody",  "htmlBody",  "attachments"};
/// RFC 8621 §4.9.
constexpr const char* kParseDefaults[] = {
    "messageId", "inReplyTo",  "references", "sender",   "from",       "to",
    "cc",        "bcc",        "replyTo",    "subject",  "sentAt",     "hasAttachment",
    "preview",   "bodyValues", "textBody",   "htmlBody", "attachments"};

struct KeptProperty {
  const char* name;
  mime::Kept field;
  HeaderForm form;
};
constexpr KeptProperty kKept[] = {{"messageId", mime::Kept::message_id, HeaderForm::message_ids},
                                  {"inReplyTo", mime::Kept::in_reply_to, HeaderForm::message_ids},
                                  {"references", mime::Kept::references, HeaderForm::message_ids},
                                  {"sender", mime::Kept::sender, HeaderForm::addresses},
                                  {"from", mime::Kept::from, HeaderForm::addresses},
                                  {"to", mime::Kept::to, HeaderForm::addresses},
                                  {"cc", mime::Kept::cc, HeaderForm::addresses},
                                  {"bcc", mime::Kept::bcc, HeaderForm::addresses},
                                  {"replyTo", mime::Kept::reply_to, HeaderForm::addresses},
                                  {"subject", mime::Kept::subject, HeaderForm::text},
                                  {"sentAt", mime::Kept::date, HeaderForm::date}};

template <class List>
bool among(const List& list, std::string_view name) {
  return std::any_of(std::begin(list), std::end(list), [&](const char* one) { return name == one; });
}

bool is_email_property(std::string_view name) {
  return among(kRowProperties, name) || among(kBodyProperties, name) || name == "headers" ||
         name == "hasAttachment" || name == "preview" ||
         std::any_of(std::begin(kKept), std::end(kKept), [&](const auto& one) { return name == one.name; });
}

}  // namespace

bool EmailProperties::wants_body() const {
  return std::any_of(std::begin(kBodyProperties), std::end(kBodyProperties),
                     [&](const char* name) { return wants(name); });
}

bool EmailProperties::needs_facts() const {
  if (!headers.empty()) return true;
  return std::any_of(names.begin(), names.end(), [](const std::string& name) {
    return name == "blobId" || !among(kRowProperties, name);
  });
}

bool EmailProperties::needs_header() const {
  return wants("headers") || !headers.empty();
}

bool EmailProperties::needs_raw(const mime::Facts& facts) const {
  if (!wants_body()) return false;
  if (wants("bodyValues") && (text_values || html_values || all_values)) return true;
  if (body_names.contains("headers") || !body_headers.empty()) return true;
  // The size of a part is that of its decoded bytes.
  return body_names.contains("size") && has_encoded_part(facts);
}

Outcome<EmailProperties> read_email_properties(Arguments& arguments, bool parse) {
  EmailProperties out;
  if (const auto given = arguments.texts("properties")) {
    for (const std::string& name : *given) {
      if (auto header = parse_header_property(name))
        out.headers.push_back(std::move(*header));
      else if (is_email_property(name))
        out.names.insert(name);
      else
        return invalid_arguments("no such property: " + name);
    }
    if (!parse) out.names.insert("id");
  } else if (parse) {
    out.names.insert(std::begin(kParseDefaults), std::end(kParseDefaults));
  } else {
    out.names.insert(std::begin(kGetDefaults), std::end(kGetDefaults));
  }
  if (const auto given = arguments.texts("bodyProperties")) {
    for (const std::string& name : *given) {
      if (auto header = parse_header_property(name))
        out.body_headers.push_back(std::move(*header));
      else if (among(kPartProperties, name))
        out.body_names.insert(name);
      else
        return invalid_arguments("no such body property: " + name);
    }
  } else {
    out.body_names.insert(std::begin(kPartDefaults), std::end(kPartDefaults));
  }
  out.text_values = arguments.boolean("fetchTextBodyValues", false);
  out.html_values = arguments.boolean("fetchHTMLBodyValues", false);
  out.all_values = arguments.boolean("fetchAllBodyValues", false);
  const uint64_t limit = arguments.unsigned_integer("maxBodyValueBytes").value_or(0);
  out.max_value_bytes = limit == 0 ? kMaxBodyValue : std::min<uint64_t>(limit, kMaxBodyValue);
  return out;
}

void add_message_properties(json& out, const EmailSource& source, const EmailProperties& wanted) {
  const mime::Facts& facts = source.facts;
  for (const KeptProperty& property : kKept) {
    if (!wanted.wants(property.name)) continue;
    const auto& value = facts.get(property.field);
    out[property.name] = value ? header_form(*value, property.form) : json();
  }
  if (wanted.wants("hasAttachment")) out["hasAttachment"] = facts.has_attachment;
  if (wanted.wants("preview")) out["preview"] = facts.preview;
  if (wanted.needs_header()) {
    const mime::Part& root = facts.tree.root();
    const std::string_view header = source.raw.substr(0, root.body_begin);
    if (wanted.wants("headers")) out["headers"] = all_headers(header);
    for (const HeaderProperty& property : wanted.headers)
      out[property.property] = header_value(header, property);
  }
  if (wanted.wants_body()) add_body_properties(out, source, wanted);
}

}  // namespace dromos::jmapd
