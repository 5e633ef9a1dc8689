#include "common/mime/builder.h"

#include <algorithm>

#include "common/base/strings.h"
#include "common/mime/date.h"
#include "common/mime/encodings.h"
#include "common/mime/header.h"

namespace dromos::mime {
namespace {

constexpr size_t kWantedLine = 78;
constexpr size_t kMaxLine = 998;
constexpr int kMaxDepth = 50;

// Breaks not followed by a blank would start another field (RFC 5322 §2.2).
std::string without_smuggled_fields(std::string_view value) {
  std::string out;
  for (size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    const bool fold =
        value.substr(i, 2) == "\r\n" && i + 2 < value.size() && (value[i + 2] == ' ' || value[i + 2] == '\t');
    if (fold) {
      out += "\r\n";
      ++i;
    } else {
      out += c == '\r' || c == '\n' || c == '\0' ? ' ' : c;
    }
  }
  return out;
}

std::string safe_name(std::string_view name) {
  std::string out;
  for (const char c : name)
    if (c > 32 && c < 127 && c != ':') out += c;
  return out;
}

std::string crlf(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 64);
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r')) out += '\r';
    out += text[i];
  }
  return out;
}

uint64_t fingerprint(std::string_view text) {  // FNV-1a
  uint64_t h = 0xcbf29ce484222325;
  for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return h;
}

// A boundary that no line of the children begins with: made from the content, so equal input gives equal
// output.
std::string choose_boundary(const std::vector<std::string>& children) {
  uint64_t h = 0x9e3779b97f4a7c15;
  for (const auto& child : children) h = (h ^ fingerprint(child)) * 0x100000001b3;
  while (true) {
    std::string boundary = "=_";
    for (int shift = 60; shift >= 0; shift -= 4) boundary += "0123456789abcdef"[h >> shift & 15];
    const bool clash = std::any_of(children.begin(), children.end(), [&](const std::string& child) {
      return child.find("--" + boundary) != std::string::npos;
    });
    if (!clash) return boundary;
    h = h * 6364136223846793005u + 1442695040888963407u;
  }
}

std::string type_field(const Entity& entity, std::string_view boundary, std::string_view charset) {
  std::string out = "Content-Type: " + safe_name(entity.type);
  const auto add = [&](std::string_view name, std::string_view value) {
    out += ";\r\n " + encode_param(name, value);
  };
  for (const auto& [name, value] : entity.type_params)
    if (!iequals(name, "boundary")) add(safe_name(name), value);
  if (!charset.empty()) add("charset", charset);
  if (!boundary.empty()) add("boundary", boundary);
  return out + "\r\n";
}

bool has_param(const Entity& entity, std::string_view want) {
  return std::any_of(entity.type_params.begin(), entity.type_params.end(),
                     [&](const auto& param) { return iequals(param.first, want); });
}

std::string other_fields(const Entity& entity) {
  std::string out;
  if (!entity.disposition.empty()) {
    out += "Content-Disposition: " + safe_name(entity.disposition);
    if (!entity.filename.empty()) out += ";\r\n " + encode_param("filename", entity.filename);
    out += "\r\n";
  }
  if (!entity.content_id.empty())
    out += fold_field("Content-ID", "<" + without_smuggled_fields(entity.content_id) + ">");
  if (!entity.description.empty()) out += fold_field("Content-Description", encode_words(entity.description));
  if (!entity.languages.empty()) out += fold_field("Content-Language", join(entity.languages, ", "));
  if (!entity.location.empty()) out += fold_field("Content-Location", entity.location);
  for (const auto& [name, value] : entity.extra_headers) out += fold_field(name, value);
  return out;
}

std::string leaf(const Entity& entity) {
  const bool text = istarts_with(entity.type, "text/");
  const bool opaque = istarts_with(entity.type, "message/");
  const std::string content = text || opaque ? crlf(entity.content) : entity.content;
  std::string_view encoding = choose_encoding(content);
  if (opaque && encoding != "7bit") encoding = "8bit";
  if (!text && !opaque) encoding = "base64";
  const bool charset = text && !has_param(entity, "charset");
  std::string out = type_field(entity, "", charset ? (is_ascii(content) ? "us-ascii" : "utf-8") : "");
  out += other_fields(entity);
  out += "Content-Transfer-Encoding: " + std::string(encoding) + "\r\n\r\n";
  if (encoding == "base64")
    out += encode_base64_lines(content);
  else if (encoding == "quoted-printable")
    out += encode_quoted_printable(content);
  else
    out += content;
  return out;
}

std::string render(const Entity& entity, int depth) {
  if (!istarts_with(entity.type, "multipart/") || depth > kMaxDepth) return leaf(entity);
  std::vector<std::string> children;
  for (const Entity& child : entity.children) children.push_back(render(child, depth + 1));
  const std::string boundary = choose_boundary(children);
  const bool eight =
      std::any_of(children.begin(), children.end(), [](const std::string& c) { return !is_ascii(c); });
  std::string out = type_field(entity, boundary, "") + other_fields(entity);
  out += eight ? "Content-Transfer-Encoding: 8bit\r\n\r\n" : "\r\n";
  for (const std::string& child : children) {
    out += "--" + boundary + "\r\n" + child;
    out += "\r\n";
  }
  return out + "--" + boundary + "--\r\n";
}

}  // namespace

Entity text_entity(std::string utf8) {
  Entity entity;
  entity.content = std::move(utf8);
  return entity;
}

Entity html_entity(std::string utf8) {
  Entity entity;
  entity.type = "text/html";
  entity.content = std::move(utf8);
  return entity;
}

Entity attachment_entity(std::string type, std::string filename, std::string bytes) {
  Entity entity;
  entity.type = std::move(type);
  entity.disposition = "attachment";
  entity.filename = std::move(filename);
  entity.content = std::move(bytes);
  return entity;
}

Entity message_entity(std::string raw_message) {
  Entity entity;
  entity.type = "message/rfc822";
  entity.content = std::move(raw_message);
  return entity;
}

Entity multipart(std::string_view subtype, std::vector<Entity> children) {
  Entity entity;
  entity.type = "multipart/" + std::string(subtype);
  entity.children = std::move(children);
  return entity;
}

Builder& Builder::header(std::string_view name, std::string_view utf8_text) {
  head_ += fold_field(name, encode_words(utf8_text));
  return *this;
}

Builder& Builder::raw_header(std::string_view name, std::string_view value) {
  head_ += fold_field(name, value);
  return *this;
}

Builder& Builder::addresses(std::string_view name, const std::vector<EmailAddress>& list) {
  std::string value;
  for (const EmailAddress& address : list) {
    if (!value.empty()) value += ",\r\n ";
    value += format_address(address.name, address.email);
  }
  if (!value.empty()) raw_header(name, value);
  return *this;
}

Builder& Builder::message_ids(std::string_view name, const std::vector<std::string>& ids) {
  std::string value;
  for (const std::string& id : ids) value += (value.empty() ? "<" : "\r\n <") + id + ">";
  if (!value.empty()) raw_header(name, value);
  return *this;
}

Builder& Builder::date(int64_t epoch, int offset_minutes) {
  return raw_header("Date", format_date(epoch, offset_minutes));
}

Builder& Builder::message_id(std::string_view id) {
  return message_ids("Message-ID", {std::string(id)});
}

Builder& Builder::body(Entity entity) {
  body_ = std::move(entity);
  return *this;
}

std::string Builder::build() const {
  return head_ + "MIME-Version: 1.0\r\n" + render(body_ ? *body_ : text_entity(""), 0);
}

Entity delivery_report(std::string human_text, std::string status_fields, std::string original,
                       bool headers_only) {
  Entity status;
  status.type = "message/delivery-status";
  status.content = std::move(status_fields);
  Entity returned = message_entity(std::move(original));
  if (headers_only) returned.type = "text/rfc822-headers";
  std::vector<Entity> children;
  children.push_back(text_entity(std::move(human_text)));
  children.push_back(std::move(status));
  children.push_back(std::move(returned));
  Entity report = multipart("report", std::move(children));
  report.type_params.emplace_back("report-type", "delivery-status");
  return report;
}

std::string fold_field(std::string_view name, std::string_view value) {
  const std::string safe = without_smuggled_fields(value);
  std::string out = safe_name(name) + ": ";
  size_t line = 0;  // where the current line begins in out
  for (size_t i = 0; i < safe.size();) {
    if (safe.compare(i, 2, "\r\n") == 0) {
      out += "\r\n";
      line = out.size();
      i += 2;
      continue;
    }
    // A word with the blanks before it.
    size_t end = i;
    while (end < safe.size() && (safe[end] == ' ' || safe[end] == '\t')) ++end;
    const bool blank = end > i && out.size() > line && i > 0;
    while (end < safe.size() && safe[end] != ' ' && safe[end] != '\t' && safe[end] != '\r') ++end;
    if (blank && out.size() - line + (end - i) > kWantedLine &&
        out.find_first_not_of(" \t", line) != std::string::npos) {
      out += "\r\n";
      line = out.size();
    }
    for (; i < end; ++i) {
      if (out.size() - line >= kMaxLine) {  // one endless word
        out += "\r\n ";
        line = out.size() - 1;
      }
      out += safe[i];
    }
  }
  return out + "\r\n";
}

std::string make_message_id(std::string_view unique, std::string_view host) {
  return std::string(unique) + "@" + std::string(host.empty() ? "localhost" : host);
}

}  // namespace dromos::mime
