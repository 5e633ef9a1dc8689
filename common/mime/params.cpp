// Content-Type, Content-Disposition and their kin: RFC 2045 §5.1, RFC 2183, RFC 2231.
#include <algorithm>

#include "common/base/strings.h"
#include "common/mime/charset.h"
#include "common/mime/header.h"
#include "common/mime/lexer.h"

namespace dromos::mime {
namespace {

struct Segment {
  std::string base;
  uint32_t index = 0;
  size_t order = 0;
  bool extended = false;
  std::string value;
};

// "name*3*" -> base name, index 3, extended.
std::optional<Segment> as_segment(std::string_view key, std::string_view value) {
  const size_t star = key.find('*');
  if (star == std::string_view::npos || star == 0 || star + 1 == key.size()) return std::nullopt;
  Segment segment;
  std::string_view number = key.substr(star + 1);
  if (number.ends_with('*')) {
    segment.extended = true;
    number.remove_suffix(1);
  }
  const auto index = parse_number<uint32_t>(number);
  if (!index || *index >= kMaxParams) return std::nullopt;
  segment.base = std::string(key.substr(0, star));
  segment.index = *index;
  segment.value = std::string(value);
  return segment;
}

void append_escaped(std::string& out, std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (is_alpha(c) || is_digit(c) || std::string_view("!#$&+-.^_`{|}~").find(c) != std::string_view::npos) {
      out += c;
    } else {
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
}

// RFC 2231 §3 and §4.1: joined continuations follow the plain parameters.
void join_segments(std::vector<Segment>& segments, Params& params) {
  std::sort(segments.begin(), segments.end(), [](const Segment& a, const Segment& b) {
    const std::string x = to_lower(a.base), y = to_lower(b.base);
    if (x != y) return x < y;
    return a.index != b.index ? a.index < b.index : a.order < b.order;
  });
  for (size_t i = 0; i < segments.size();) {
    size_t end = i;
    bool extended = false;
    while (end < segments.size() && iequals(segments[end].base, segments[i].base) &&
           segments[end].index == end - i) {
      extended = extended || segments[end].extended;
      ++end;
    }
    if (end == i) {  // does not begin with 0: show it as it is
      const Segment& odd = segments[i++];
      params.push_back({odd.base + "*" + std::to_string(odd.index) + (odd.extended ? "*" : ""), odd.value});
      continue;
    }
    Param joined{segments[i].base + (extended ? "*" : ""), ""};
    if (extended && !segments[i].extended) joined.value = "''";
    for (; i < end; ++i) {
      if (extended && !segments[i].extended)
        append_escaped(joined.value, segments[i].value);
      else
        joined.value += segments[i].value;
    }
    params.push_back(std::move(joined));
  }
}

// ";" attribute "=" value; false at the end or where nothing more can be read.
bool parse_param(Lexer& lexer, std::string& key, std::string& value) {
  key.clear();
  value.clear();
  if (!lexer.accept(';')) return false;
  lexer.skip_blanks();
  if (!lexer.token(key)) return false;
  lexer.skip_blanks();
  if (!lexer.accept('=')) return false;
  lexer.skip_blanks();
  if (lexer.peek() == '"') return lexer.quoted_string(value);
  if (lexer.peek() == '=') {  // name==?utf-8?b?...?= without quotes, seen in the wild
    lexer.until_any("; \t\r\n", value);
    return true;
  }
  lexer.token(value);
  return true;
}

Params parse_params(Lexer& lexer) {
  Params params;
  std::vector<Segment> segments;
  std::string key, value;
  lexer.skip_blanks();
  while (!lexer.at_end() && params.size() + segments.size() < kMaxParams) {
    if (lexer.peek() != ';') {
      lexer.skip_to(';');
      continue;
    }
    if (!parse_param(lexer, key, value)) continue;
    lexer.skip_blanks();
    if (auto segment = as_segment(key, value)) {
      segment->order = segments.size();
      segments.push_back(std::move(*segment));
    } else {
      params.push_back({key, value});
    }
  }
  if (!segments.empty()) join_segments(segments, params);
  return params;
}

std::string unescape(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      if (const auto byte = unhex(text.substr(i + 1, 2))) {
        out += *byte;
        i += 2;
        continue;
      }
    }
    out += text[i];
  }
  return out;
}

}  // namespace

bool ContentType::is(std::string_view want_type, std::string_view want_subtype) const {
  return iequals(type, want_type) && (want_subtype.empty() || iequals(subtype, want_subtype));
}

ContentType parse_content_type(std::string_view unfolded) {
  static constexpr auto broken = [] { return ContentType{"text", "plain", {}}; };
  Lexer lexer(unfolded);
  ContentType out;
  lexer.skip_blanks();
  if (!lexer.token(out.type)) return broken();
  lexer.skip_blanks();
  if (!lexer.accept('/')) return broken();
  lexer.skip_blanks();
  if (!lexer.token(out.subtype)) return broken();
  lexer.skip_blanks();
  if (!lexer.at_end() && lexer.peek() != ';') return broken();
  out.params = parse_params(lexer);
  return out;
}

std::optional<ParamValue> parse_disposition(std::string_view unfolded) {
  Lexer lexer(unfolded);
  ParamValue out;
  lexer.skip_blanks();
  if (!lexer.token(out.value)) return std::nullopt;
  out.params = parse_params(lexer);
  return out;
}

std::optional<std::string> parse_transfer_encoding(std::string_view unfolded) {
  Lexer lexer(unfolded);
  std::string out;
  lexer.skip_blanks();
  if (!lexer.token(out)) return std::nullopt;
  lexer.skip_blanks();
  if (!lexer.at_end()) return std::nullopt;
  return out;
}

std::vector<std::string> parse_language(std::string_view unfolded) {
  Lexer lexer(unfolded);
  std::vector<std::string> out;
  do {
    lexer.skip_blanks();
    std::string tag;
    if (!lexer.token(tag)) break;
    out.push_back(std::move(tag));
    lexer.skip_blanks();
  } while (lexer.accept(',') && out.size() < kMaxParams);
  return out;
}

std::optional<std::string_view> param_raw(const Params& params, std::string_view name) {
  for (const Param& param : params)
    if (iequals(param.name, name)) return param.value;
  return std::nullopt;
}

std::optional<std::string> param_text(const Params& params, std::string_view name) {
  for (const Param& param : params) {
    if (param.name.size() != name.size() + 1 || param.name.back() != '*' || !istarts_with(param.name, name))
      continue;
    const std::string_view value = param.value;
    const size_t charset = value.find('\'');
    const size_t language = charset == std::string_view::npos ? charset : value.find('\'', charset + 1);
    if (language == std::string_view::npos) return to_utf8(unescape(value), "");
    return to_utf8(unescape(value.substr(language + 1)), value.substr(0, charset));
  }
  if (const auto raw = param_raw(params, name)) return decode_words(*raw);
  return std::nullopt;
}

}  // namespace dromos::mime
