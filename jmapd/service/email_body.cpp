#include "jmapd/service/email_body.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/base/strings.h"
#include "common/mime/body_parts.h"
#include "common/mime/charset.h"
#include "common/mime/encodings.h"
#include "common/mime/text.h"

namespace dromos::jmapd {
namespace {

using nlohmann::json;

json text_or_null(const std::string& text) {
  return text.empty() ? json() : json(clean_utf8(text));
}

mime::Encoding encoding_of(const mime::PartInfo& info) {
  return mime::encoding_of(info.encoding ? std::string_view(*info.encoding) : "");
}

bool is_encoded(const mime::Part& part, const mime::PartInfo& info) {
  const mime::Encoding encoding = encoding_of(info);
  return part.kind == mime::PartKind::leaf && encoding != mime::Encoding::identity &&
         encoding != mime::Encoding::unknown;
}

class Body {
 public:
  Body(const EmailSource& source, const EmailProperties& wanted) : source_(source), wanted_(wanted) {}

  json part(uint32_t index, bool with_children) {
    const mime::Part& part = tree().parts[index];
    const mime::PartInfo& info = source_.facts.info[index];
    const bool multipart = part.kind == mime::PartKind::multipart;
    json out = json::object();
    const auto set = [&](const char* name, auto make) {
      if (wanted_.body_names.contains(name)) out[name] = make();
    };
    set("partId", [&] { return multipart ? json() : json(std::to_string(index)); });
    set("blobId", [&] { return multipart ? json() : json(to_text(source_.blob.part(index))); });
    set("size", [&] { return json(size_of(part, info)); });
    set("name", [&] { return text_or_null(info.filename()); });
    set("type", [&] { return json(clean_utf8(part_type(info))); });
    set("charset", [&] { return charset(info); });
    set("disposition", [&] { return text_or_null(to_lower(info.disposition)); });
    set("cid", [&] { return cid(info); });
    set("language", [&] { return languages(info); });
    set("location", [&] { return text_or_null(info.location.value_or("")); });
    if (wanted_.body_names.contains("headers") || !wanted_.body_headers.empty()) add_headers(out, part);
    if (multipart && with_children) {
      json& children = out["subParts"] = json::array();
      for (uint32_t i = part.first_child; i != mime::kNoPart; i = tree().parts[i].next_sibling)
        children.push_back(this->part(i, true));
    } else {
      set("subParts", [] { return json(); });
    }
    return out;
  }

  json list(const std::vector<uint32_t>& parts) {
    json out = json::array();
    for (const uint32_t index : parts) out.push_back(part(index, false));
    return out;
  }

  json values(const mime::BodyParts& parts) {
    json out = json::object();
    if (wanted_.text_values) add_values(out, parts.text);
    if (wanted_.html_values) add_values(out, parts.html);
    if (wanted_.all_values) {
      std::vector<uint32_t> all = parts.attachments;
      all.insert(all.end(), parts.text.begin(), parts.text.end());
      all.insert(all.end(), parts.html.begin(), parts.html.end());
      add_values(out, all);
    }
    return out;
  }

 private:
  const mime::PartTree& tree() const { return source_.facts.tree; }

  uint64_t size_of(const mime::Part& part, const mime::PartInfo& info) const {
    if (part.kind == mime::PartKind::multipart) return 0;
    if (!is_encoded(part, info) || part.body_end > source_.raw.size()) return part.body_size();
    return mime::decode(encoding_of(info), source_.raw.substr(part.body_begin, part.body_size())).size();
  }

  static json charset(const mime::PartInfo& info) {
    if (!info.is_text()) return {};
    const std::string charset = info.charset();
    return charset.empty() ? json("us-ascii") : json(clean_utf8(charset));
  }

  static json cid(const mime::PartInfo& info) {
    if (!info.id) return {};
    std::string_view id = trim(*info.id);
    if (id.starts_with('<') && id.ends_with('>') && id.size() >= 2) id = id.substr(1, id.size() - 2);
    return text_or_null(std::string(id));
  }

  static json languages(const mime::PartInfo& info) {
    if (info.languages.empty()) return {};
    json out = json::array();
    for (const std::string& language : info.languages) out.push_back(clean_utf8(language));
    return out;
  }

  void add_headers(json& out, const mime::Part& part) const {
    if (part.body_begin > source_.raw.size()) return;
    const std::string_view header = source_.raw.substr(part.header_begin, part.header_size());
    if (wanted_.body_names.contains("headers")) out["headers"] = all_headers(header);
    for (const HeaderProperty& property : wanted_.body_headers)
      out[property.property] = header_value(header, property);
  }

  void add_values(json& out, const std::vector<uint32_t>& parts) {
    for (const uint32_t index : parts) {
      const std::string id = std::to_string(index);
      if (!source_.facts.info[index].is_text() || out.contains(id)) continue;
      TextValue value =
          text_value(source_.raw, tree().parts[index], source_.facts.info[index], wanted_.max_value_bytes);
      out[id] = {{"value", std::move(value.text)},
                 {"isEncodingProblem", value.encoding_problem},
                 {"isTruncated", value.truncated}};
    }
  }

  const EmailSource& source_;
  const EmailProperties& wanted_;
};

/// CRLF to LF; a lone CR stays.
std::string unix_lines(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i)
    if (text[i] != '\r' || i + 1 >= text.size() || text[i + 1] != '\n') out += text[i];
  return out;
}

/// RFC 8621 §4.2: not within a character, and not within an HTML tag.
void truncate(TextValue& value, size_t limit, bool html) {
  if (value.text.size() <= limit) return;
  value.truncated = true;
  std::string_view kept = mime::utf8_prefix(value.text, limit);
  if (html) {
    const size_t open = kept.rfind('<');
    const size_t close = kept.rfind('>');
    if (open != std::string_view::npos && (close == std::string_view::npos || close < open))
      kept = kept.substr(0, open);
  }
  value.text.resize(kept.size());
}

}  // namespace

TextValue text_value(std::string_view raw, const mime::Part& part, const mime::PartInfo& info, size_t limit) {
  TextValue out;
  if (part.body_end > raw.size()) return out;
  const std::string_view body = raw.substr(part.body_begin, part.body_size());
  const mime::Encoding encoding = encoding_of(info);
  bool damaged = false;
  const std::string bytes = mime::decode(encoding, body, &damaged);
  std::string charset = info.charset();
  if (charset.empty() && info.is("text", "html")) charset = mime::html_charset(bytes);
  const std::string text = mime::to_utf8(bytes, charset);
  const bool unknown = !charset.empty() && !mime::charset_known(charset);
  const bool replaced =
      text.find("\xEF\xBF\xBD") != std::string::npos && bytes.find("\xEF\xBF\xBD") == std::string::npos;
  const bool undeclared = charset.empty() && !is_ascii(bytes);
  out.encoding_problem = damaged || unknown || replaced || undeclared || encoding == mime::Encoding::unknown;
  out.text = clean_utf8(unix_lines(text));
  truncate(out, limit, info.is("text", "html"));
  return out;
}

std::string part_type(const mime::PartInfo& info) {
  return to_lower(info.subtype.empty() ? info.type : info.type + "/" + info.subtype);
}

bool has_encoded_part(const mime::Facts& facts) {
  for (size_t i = 0; i < facts.tree.parts.size(); ++i)
    if (is_encoded(facts.tree.parts[i], facts.info[i])) return true;
  return false;
}

void add_body_properties(json& out, const EmailSource& source, const EmailProperties& wanted) {
  Body body(source, wanted);
  const mime::BodyParts parts = mime::body_parts(source.facts);
  if (wanted.wants("bodyStructure")) out["bodyStructure"] = body.part(0, true);
  if (wanted.wants("textBody")) out["textBody"] = body.list(parts.text);
  if (wanted.wants("htmlBody")) out["htmlBody"] = body.list(parts.html);
  if (wanted.wants("attachments")) out["attachments"] = body.list(parts.attachments);
  if (wanted.wants("bodyValues")) out["bodyValues"] = body.values(parts);
}

}  // namespace dromos::jmapd
