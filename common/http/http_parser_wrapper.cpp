#include "common/http/http_parser_wrapper.h"

#include <http_parser.h>

#include "common/base/strings.h"

namespace dromos::http {
namespace {

struct Split {
  RawHead& out;
  Headers& headers;
  std::string_view name;
  std::string_view value;
  bool have_name = false;
  bool complete = false;

  void flush() {
    if (have_name) headers.add(name, trim(value));
    have_name = false;
    name = value = {};
  }
};

Split& self(http_parser* parser) {
  return *static_cast<Split*>(parser->data);
}

/// The head is fed in one call, so pieces of one element lie next to each other.
std::string_view extend(std::string_view piece, const char* at, size_t size) {
  return piece.data() == nullptr
             ? std::string_view(at, size)
             : std::string_view(piece.data(), static_cast<size_t>(at + size - piece.data()));
}

int on_url(http_parser* parser, const char* at, size_t size) {
  self(parser).out.target = extend(self(parser).out.target, at, size);
  return 0;
}

int on_field(http_parser* parser, const char* at, size_t size) {
  Split& s = self(parser);
  if (s.have_name && s.value.data() != nullptr) s.flush();
  s.name = extend(s.name, at, size);
  s.have_name = true;
  return 0;
}

int on_value(http_parser* parser, const char* at, size_t size) {
  Split& s = self(parser);
  s.value = extend(s.value, at, size);
  return 0;
}

int on_headers_complete(http_parser* parser) {
  self(parser).flush();
  self(parser).complete = true;
  return 2;  // no body and nothing after: bodies are not its business
}

http_parser_settings make_settings() {
  http_parser_settings s;
  http_parser_settings_init(&s);
  s.on_url = on_url;
  s.on_header_field = on_field;
  s.on_header_value = on_value;
  s.on_headers_complete = on_headers_complete;
  return s;
}

const char* run(http_parser_type type, std::string_view head, RawHead& out, Headers& headers) {
  static const http_parser_settings settings = make_settings();
  headers.reserve(head.size(), 24);
  Split split{out, headers, {}, {}, false, false};
  http_parser parser;
  http_parser_init(&parser, type);
  parser.data = &split;
  http_parser_execute(&parser, &settings, head.data(), head.size());
  const auto code = HTTP_PARSER_ERRNO(&parser);
  if (code != HPE_OK) return http_errno_description(code);
  if (!split.complete) return "incomplete head";
  out.version_major = parser.http_major;
  out.version_minor = parser.http_minor;
  out.status = parser.status_code;
  if (type == HTTP_REQUEST)
    out.method = parse_method(http_method_str(static_cast<http_method>(parser.method)));
  return nullptr;
}

}  // namespace

const char* split_request_head(std::string_view head, RawHead& out, Headers& headers) {
  return run(HTTP_REQUEST, head, out, headers);
}

const char* split_response_head(std::string_view head, RawHead& out, Headers& headers) {
  return run(HTTP_RESPONSE, head, out, headers);
}

}  // namespace dromos::http
