#include "jmapd/service/email_build.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/base/strings.h"
#include "common/mime/builder.h"
#include "common/mime/date.h"
#include "common/mime/encodings.h"
#include "jmapd/protocol/values.h"
#include "jmapd/service/header_forms.h"

namespace dromos::jmapd {
namespace {

using nlohmann::json;

struct Convenience {
  const char* property;
  const char* field;
  HeaderForm form;
};
/// In the order the fields are written.
constexpr Convenience kConvenience[] = {{"sentAt", "Date", HeaderForm::date},
                                        {"from", "From", HeaderForm::addresses},
                                        {"sender", "Sender", HeaderForm::addresses},
                                        {"replyTo", "Reply-To", HeaderForm::addresses},
                                        {"to", "To", HeaderForm::addresses},
                                        {"cc", "Cc", HeaderForm::addresses},
                                        {"bcc", "Bcc", HeaderForm::addresses},
                                        {"subject", "Subject", HeaderForm::text},
                                        {"messageId", "Message-ID", HeaderForm::message_ids},
                                        {"inReplyTo", "In-Reply-To", HeaderForm::message_ids},
                                        {"references", "References", HeaderForm::message_ids}};

bool is_text_list(const json& value) {
  return value.is_array() &&
         std::all_of(value.begin(), value.end(), [](const json& one) { return one.is_string(); });
}

std::string text_or_empty(const json& object, const char* name) {
  const auto at = object.find(name);
  return at != object.end() && at->is_string() ? at->get<std::string>() : std::string();
}

/// Nothing if malformed.
std::optional<std::vector<mime::EmailAddress>> addresses_of(const json& value) {
  if (!value.is_array()) return std::nullopt;
  std::vector<mime::EmailAddress> out;
  for (const json& one : value) {
    if (!one.is_object() || !one.contains("email") || !one["email"].is_string()) return std::nullopt;
    const auto name = one.find("name");
    if (name != one.end() && !name->is_null() && !name->is_string()) return std::nullopt;
    mime::EmailAddress address{text_or_empty(one, "name"), one["email"].get<std::string>()};
    if (address.email.find_first_of("\r\n<>") != std::string::npos) return std::nullopt;
    out.push_back(std::move(address));
  }
  return out;
}

std::optional<std::string> groups_value(const json& value) {
  if (!value.is_array()) return std::nullopt;
  std::string out;
  for (const json& group : value) {
    if (!group.is_object() || !group.contains("addresses")) return std::nullopt;
    const auto members = addresses_of(group["addresses"]);
    if (!members) return std::nullopt;
    std::string list;
    for (const auto& member : *members)
      list += (list.empty() ? "" : ", ") + mime::format_address(member.name, member.email);
    const std::string name = text_or_empty(group, "name");
    if (!out.empty()) out += ", ";
    out += name.empty() ? list : mime::encode_words(name) + ": " + list + ";";
  }
  return out;
}

/// Writes one field; false if the value does not fit the form.
bool write_field(mime::Builder& builder, const std::string& name, HeaderForm form, const json& value) {
  switch (form) {
    case HeaderForm::raw:
    case HeaderForm::text:
      if (!value.is_string()) return false;
      if (form == HeaderForm::raw)
        builder.raw_header(name, trim(value.get_ref<const std::string&>()));
      else
        builder.header(name, value.get_ref<const std::string&>());
      return true;
    case HeaderForm::addresses: {
      const auto list = addresses_of(value);
      if (!list) return false;
      builder.addresses(name, *list);
      return true;
    }
    case HeaderForm::grouped_addresses: {
      const auto text = groups_value(value);
      if (!text) return false;
      builder.raw_header(name, *text);
      return true;
    }
    case HeaderForm::message_ids: {
      if (!is_text_list(value)) return false;
      const auto ids = value.get<std::vector<std::string>>();
      const bool clean = std::all_of(ids.begin(), ids.end(), [](const std::string& id) {
        return !id.empty() && id.find_first_of("<> \r\n\t") == std::string::npos;
      });
      if (clean) builder.message_ids(name, ids);
      return clean;
    }
    case HeaderForm::date: {
      const auto date =
          value.is_string() ? parse_date_text(value.get_ref<const std::string&>()) : std::nullopt;
      if (!date) return false;
      builder.raw_header(name, mime::format_date(date->epoch_seconds, date->offset_minutes));
      return true;
    }
    case HeaderForm::urls: {
      if (!is_text_list(value)) return false;
      std::string text;
      for (const json& url : value) text += (text.empty() ? "<" : ", <") + url.get<std::string>() + ">";
      builder.raw_header(name, text);
      return true;
    }
  }
  return false;
}

class Composer {
 public:
  Composer(const json& email, const std::map<std::string, std::string>& blobs)
      : email_(email), blobs_(blobs) {}

  Outcome<std::string> build(const ComposeDefaults& defaults) {
    JR_CHECK(headers());
    if (!fields_.contains("date")) builder_.date(defaults.now_seconds);
    if (!fields_.contains("message-id")) builder_.message_id(defaults.message_id);
    JR_TRY(mime::Entity body, body_entity());
    builder_.body(std::move(body));
    return builder_.build();
  }

 private:
  Outcome<void> field(const std::string& property, const std::string& name, HeaderForm form, bool all) {
    const json& value = email_[property];
    if (value.is_null()) return {};
    const std::string lower = to_lower(name);
    if (lower.starts_with("content-") || lower == "mime-version")
      return invalid_property(property, "fields of the body are not set here");
    if (!fields_.insert(lower).second) return invalid_property(property, "the field is given twice");
    if (all && !value.is_array()) return invalid_property(property);
    const json list = all ? value : json::array({value});
    for (const json& one : list)
      if (!write_field(builder_, name, form, one)) return invalid_property(property, "malformed value");
    return {};
  }

  Outcome<void> headers() {
    constexpr const char* kBody[] = {"bodyStructure", "textBody", "htmlBody", "attachments", "bodyValues"};
    for (const Convenience& one : kConvenience)
      if (email_.contains(one.property)) JR_CHECK(field(one.property, one.field, one.form, false));
    for (const auto& item : email_.items()) {
      const std::string& property = item.key();
      const bool known =
          std::any_of(std::begin(kConvenience), std::end(kConvenience),
                      [&](const Convenience& one) { return property == one.property; }) ||
          std::any_of(std::begin(kBody), std::end(kBody), [&](const char* one) { return property == one; });
      if (known) continue;
      const auto header = parse_header_property(property);
      if (!header) return invalid_property(property, "not to be set");
      JR_CHECK(field(property, header->name, header->form, header->all));
    }
    return {};
  }

  Outcome<mime::Entity> body_entity() {
    const auto structure = email_.find("bodyStructure");
    if (structure != email_.end() && !structure->is_null()) {
      for (const char* other : {"textBody", "htmlBody", "attachments"})
        if (email_.contains(other) && !email_[other].is_null())
          return invalid_property("bodyStructure", "given beside another form of the body");
      return part(*structure, "bodyStructure", "", 0);
    }
    JR_TRY(auto text, list("textBody", "text/plain"));
    JR_TRY(auto html, list("htmlBody", "text/html"));
    JR_TRY(auto attachments, list("attachments", ""));
    if (text.size() > 1 || html.size() > 1)
      return invalid_property(text.size() > 1 ? "textBody" : "htmlBody", "exactly one part is allowed");
    if (!text.empty() && !iequals(text.front().type, "text/plain")) return invalid_property("textBody");
    if (!html.empty() && !iequals(html.front().type, "text/html")) return invalid_property("htmlBody");
    return assemble(std::move(text), std::move(html), std::move(attachments));
  }

  static mime::Entity assemble(std::vector<mime::Entity> text, std::vector<mime::Entity> html,
                               std::vector<mime::Entity> attachments) {
    std::vector<mime::Entity> inlined;
    std::vector<mime::Entity> others;
    for (mime::Entity& one : attachments) {
      const bool shown = !html.empty() && !one.content_id.empty() && one.disposition != "attachment";
      (shown ? inlined : others).push_back(std::move(one));
    }
    if (!html.empty() && !inlined.empty()) {
      inlined.insert(inlined.begin(), std::move(html.front()));
      html.front() = mime::multipart("related", std::move(inlined));
    }
    mime::Entity body = mime::text_entity("");
    if (!text.empty() && !html.empty())
      body = mime::multipart("alternative", {std::move(text.front()), std::move(html.front())});
    else if (!text.empty())
      body = std::move(text.front());
    else if (!html.empty())
      body = std::move(html.front());
    else if (others.size() == 1)
      return std::move(others.front());
    if (others.empty()) return body;
    others.insert(others.begin(), std::move(body));
    return mime::multipart("mixed", std::move(others));
  }

  Outcome<std::vector<mime::Entity>> list(const char* property, const std::string& type) {
    std::vector<mime::Entity> out;
    const auto at = email_.find(property);
    if (at == email_.end() || at->is_null()) return out;
    if (!at->is_array()) return invalid_property(property);
    for (const json& one : *at) {
      JR_TRY(mime::Entity entity, part(one, property, type, 0));
      if (entity.disposition.empty() && type.empty()) entity.disposition = "attachment";
      out.push_back(std::move(entity));
    }
    return out;
  }

  Outcome<mime::Entity> part(const json& object, const std::string& property, const std::string& default_type,
                             size_t depth) {
    if (!object.is_object() || depth > kMaxComposedDepth || ++parts_ > kMaxComposedParts)
      return invalid_property(property, "malformed body part");
    JR_CHECK(check_names(object, property));
    mime::Entity out;
    out.type = to_lower(text_or_empty(object, "type"));
    const auto children = object.find("subParts");
    const bool multipart = children != object.end() && !children->is_null();
    const bool from_text = object.contains("partId") && object["partId"].is_string();
    const bool from_blob = object.contains("blobId") && object["blobId"].is_string();
    if (out.type.empty())
      out.type = multipart               ? "multipart/mixed"
                 : !default_type.empty() ? default_type
                 : from_text             ? "text/plain"
                                         : "application/octet-stream";
    if (std::count(out.type.begin(), out.type.end(), '/') != 1)
      return invalid_property(property, "malformed type");
    describe(object, out);
    if (multipart != out.type.starts_with("multipart/"))
      return invalid_property(property, "subParts belong to multiparts");
    if (multipart) {
      if (from_text || from_blob || !children->is_array()) return invalid_property(property);
      for (const json& child : *children) {
        JR_TRY(mime::Entity entity, part(child, property, "", depth + 1));
        out.children.push_back(std::move(entity));
      }
      return out;
    }
    if (from_text == from_blob) return invalid_property(property, "exactly one of partId and blobId");
    if (from_text) {
      JR_TRY(out.content, value(object, property, out));
      return out;
    }
    const auto blob = blobs_.find(object["blobId"].get<std::string>());
    if (blob == blobs_.end()) return refuse("blobNotFound");
    out.content = blob->second;
    if (const std::string charset = text_or_empty(object, "charset");
        !charset.empty() && out.type.starts_with("text/"))
      out.type_params.emplace_back("charset", charset);
    return out;
  }

  Outcome<std::string> value(const json& object, const std::string& property, const mime::Entity& entity) {
    if (!entity.type.starts_with("text/")) return invalid_property(property, "a partId is for text");
    if (object.contains("charset") && !object["charset"].is_null())
      return invalid_property(property, "charset is not to be given with partId");
    const auto values = email_.find("bodyValues");
    const std::string id = object["partId"].get<std::string>();
    if (values == email_.end() || !values->is_object() || !values->contains(id))
      return invalid_property(property, "no such body value");
    const json& body = (*values)[id];
    if (!body.is_object() || !body.contains("value") || !body["value"].is_string())
      return invalid_property("bodyValues", "a body value has a value");
    for (const char* flag : {"isEncodingProblem", "isTruncated"})
      if (body.contains(flag) && body[flag] != false) return invalid_property("bodyValues", "must be false");
    return body["value"].get<std::string>();
  }

  static void describe(const json& object, mime::Entity& out) {
    out.disposition = to_lower(text_or_empty(object, "disposition"));
    out.filename = text_or_empty(object, "name");
    out.content_id = text_or_empty(object, "cid");
    out.location = text_or_empty(object, "location");
    if (!out.filename.empty() && out.disposition.empty()) out.disposition = "attachment";
    if (const auto languages = object.find("language"); languages != object.end() && is_text_list(*languages))
      out.languages = languages->get<std::vector<std::string>>();
    for (const auto& item : object.items()) {
      const auto header = parse_header_property(item.key());
      if (!header || !item.value().is_string()) continue;
      const auto& text = item.value().get_ref<const std::string&>();
      out.extra_headers.emplace_back(
          header->name, header->form == HeaderForm::raw ? std::string(trim(text)) : mime::encode_words(text));
    }
  }

  static Outcome<void> check_names(const json& object, const std::string& property) {
    constexpr const char* kNames[] = {"partId",      "blobId", "size",     "name",     "type",    "charset",
                                      "disposition", "cid",    "language", "location", "subParts"};
    for (const auto& item : object.items()) {
      if (std::any_of(std::begin(kNames), std::end(kNames),
                      [&](const char* one) { return item.key() == one; }))
        continue;
      const auto header = parse_header_property(item.key());
      const bool plain = header && !header->all && !istarts_with(header->name, "content-") &&
                         (header->form == HeaderForm::raw || header->form == HeaderForm::text);
      if (!plain || !item.value().is_string())
        return invalid_property(property + "/" + item.key(), "not to be set");
    }
    return {};
  }

  const json& email_;
  const std::map<std::string, std::string>& blobs_;
  mime::Builder builder_;
  std::set<std::string> fields_;
  size_t parts_ = 0;
};

void gather_blobs(const json& value, size_t depth, std::set<std::string>& out) {
  if (depth > kMaxComposedDepth + 2 || out.size() > kMaxComposedParts) return;
  if (value.is_array())
    for (const json& one : value) gather_blobs(one, depth + 1, out);
  if (!value.is_object()) return;
  if (const auto blob = value.find("blobId"); blob != value.end() && blob->is_string())
    out.insert(blob->get<std::string>());
  if (const auto children = value.find("subParts"); children != value.end())
    gather_blobs(*children, depth + 1, out);
}

}  // namespace

Outcome<std::set<std::string>> blobs_in_email(const json& email) {
  std::set<std::string> out;
  for (const char* name : {"bodyStructure", "textBody", "htmlBody", "attachments"})
    if (const auto at = email.find(name); at != email.end()) gather_blobs(*at, 0, out);
  return out;
}

Outcome<std::string> build_email(const json& email, const std::map<std::string, std::string>& blobs,
                                 const ComposeDefaults& defaults) {
  return Composer(email, blobs).build(defaults);
}

}  // namespace dromos::jmapd
