#include "spamd/service/html_scan.h"

#include <algorithm>
#include <utility>

#include "common/base/strings.h"
#include "common/base/utf8.h"
#include "spamd/service/url.h"

namespace dromos::spamd {
namespace {

constexpr size_t kMaxDepth = 64;
constexpr size_t kMaxEntity = 12;

constexpr std::array<std::pair<std::string_view, std::string_view>, 16> kEntities{{
    {"amp", "&"},
    {"lt", "<"},
    {"gt", ">"},
    {"quot", "\""},
    {"apos", "'"},
    {"nbsp", " "},
    {"copy", "\xc2\xa9"},
    {"reg", "\xc2\xae"},
    {"euro", "\xe2\x82\xac"},
    {"pound", "\xc2\xa3"},
    {"hellip", "..."},
    {"mdash", "-"},
    {"ndash", "-"},
    {"rsquo", "'"},
    {"lsquo", "'"},
    {"zwnj", ""},
}};

/// Bytes of `text` that a character reference at its start takes, its character appended; 0 if there is none.
size_t take_entity(std::string& out, std::string_view text) {
  size_t end = 1;
  while (end < text.size() && end < kMaxEntity &&
         (is_alpha(text[end]) || is_digit(text[end]) || text[end] == '#')) {
    ++end;
  }
  std::string_view name = text.substr(1, end - 1);
  if (name.empty()) return 0;
  const size_t used = end + (end < text.size() && text[end] == ';' ? 1 : 0);
  if (name.front() == '#') {
    name.remove_prefix(1);
    uint32_t code = 0;
    const bool hexadecimal = !name.empty() && ascii_lower(name.front()) == 'x';
    if (hexadecimal) name.remove_prefix(1);
    const auto [stop, ec] =
        std::from_chars(name.data(), name.data() + name.size(), code, hexadecimal ? 16 : 10);
    if (ec != std::errc{} || stop == name.data()) return 0;
    if (code != 0 && is_character(code)) append_utf8(out, code == 0xA0 ? ' ' : code);
    return used;
  }
  for (const auto& [known, character] : kEntities) {
    if (known == name) {
      out.append(character);
      return used;
    }
  }
  return 0;
}

/// The value of a CSS-like style that hides its text.
bool hides(std::string_view style) {
  std::string flat;
  for (const char c : style.substr(0, 1024)) {
    if (!is_space(c)) flat.push_back(ascii_lower(c));
  }
  for (const std::string_view sign : {"display:none", "visibility:hidden", "font-size:0", "font-size:1px",
                                      "max-height:0", "opacity:0;", "mso-hide:all", "color:transparent"}) {
    if (const size_t at = flat.find(sign); at != flat.npos) {
      const char after = at + sign.size() < flat.size() ? flat[at + sign.size()] : ';';
      if (after != '.' && !is_digit(after)) return true;
    }
  }
  return false;
}

bool is_block(std::string_view name) {
  static constexpr std::string_view kInline[] = {"a",    "b",   "i",     "u",   "em", "strong", "span",
                                                 "font", "sub", "small", "big", "tt", "sup",    "code"};
  return std::find(std::begin(kInline), std::end(kInline), name) == std::end(kInline);
}

bool is_void(std::string_view name) {
  static constexpr std::string_view kVoid[] = {"br",    "img",  "hr",   "meta", "link",
                                               "input", "area", "base", "col",  "wbr"};
  return std::find(std::begin(kVoid), std::end(kVoid), name) != std::end(kVoid);
}

class Scanner {
 public:
  explicit Scanner(std::string_view html) : in_(html) {}

  HtmlScan run() {
    out_.text.reserve(in_.size() / 2);
    while (at_ < in_.size()) {
      if (in_[at_] == '<' && markup()) continue;
      text_run();
    }
    return std::move(out_);
  }

 private:
  void text_run() {
    size_t end = in_.find('<', at_ + 1);
    if (end == in_.npos) end = in_.size();
    const std::string_view run = in_.substr(at_, end - at_);
    at_ = end;
    if (hidden_depth_ > 0) {
      out_.hidden_bytes += static_cast<size_t>(
          std::count_if(run.begin(), run.end(), [](char c) { return is_alpha(c) || (c & 0x80) != 0; }));
      return;
    }
    const size_t before = out_.text.size();
    append_unescaped(out_.text, run);
    if (in_link_ && link_text_.size() < 300) link_text_.append(out_.text, before);
  }

  bool markup() {
    const std::string_view rest = in_.substr(at_);
    if (rest.starts_with("<!--")) {
      const size_t end = in_.find("-->", at_ + 4);
      at_ = end == in_.npos ? in_.size() : end + 3;
      ++out_.comments;
      return true;
    }
    const bool closing = rest.size() > 1 && rest[1] == '/';
    size_t name_end = closing ? 2 : 1;
    const size_t name_begin = name_end;
    while (name_end < rest.size() && name_end < 24 && (is_alpha(rest[name_end]) || is_digit(rest[name_end])))
      ++name_end;
    if (name_end == name_begin && !(rest.size() > 1 && (rest[1] == '!' || rest[1] == '?'))) return false;
    const std::string name = to_lower(rest.substr(name_begin, name_end - name_begin));
    const size_t end = tag_end(at_ + name_end);
    const std::string_view attributes = in_.substr(at_ + name_end, end - at_ - name_end);
    at_ = end < in_.size() ? end + 1 : in_.size();
    if (closing) {
      close(name);
    } else {
      open(name, attributes);
    }
    return true;
  }

  /// Offset of the '>' that ends a tag, quotes respected as far as they close.
  size_t tag_end(size_t from) const {
    char quote = 0;
    for (size_t i = from; i < in_.size(); ++i) {
      if (i - from > 8192) return in_.find('>', from) == in_.npos ? in_.size() : in_.find('>', from);
      const char c = in_[i];
      if (quote != 0) {
        if (c == quote) quote = 0;
      } else if ((c == '"' || c == '\'') && in_[i - 1] == '=') {
        quote = c;
      } else if (c == '>') {
        return i;
      }
    }
    const size_t plain = in_.find('>', from);
    return plain == in_.npos ? in_.size() : plain;
  }

  void open(const std::string& name, std::string_view attributes) {
    ++out_.tags;
    if (out_.elements.size() < HtmlScan::kMaxElements &&
        std::find(out_.elements.begin(), out_.elements.end(), name) == out_.elements.end()) {
      out_.elements.push_back(name);
    }
    if (is_block(name) && !out_.text.empty() && out_.text.back() != '\n') out_.text.push_back('\n');
    if (name == "img") ++out_.images;
    if (name == "form") out_.form = true;
    if (name == "iframe") out_.iframe = true;
    if (name == "script" || name == "style") {
      if (name == "script") out_.script = true;
      skip_raw(name);
      return;
    }
    bool hidden = false;
    read_attributes(name, attributes, hidden);
    if (is_void(name) || attributes.ends_with('/')) return;
    if (hidden_depth_ > 0 && name == hidden_name_ && hidden_depth_ < kMaxDepth) {
      ++hidden_depth_;
    } else if (hidden_depth_ == 0 && hidden) {
      hidden_name_ = name;
      hidden_depth_ = 1;
    }
  }

  void read_attributes(const std::string& element, std::string_view in, bool& hidden) {
    size_t i = 0;
    for (int guard = 0; i < in.size() && guard < 64; ++guard) {
      while (i < in.size() && (is_space(in[i]) || in[i] == '/')) ++i;
      const size_t name_begin = i;
      while (i < in.size() && in[i] != '=' && !is_space(in[i])) ++i;
      const std::string_view name = in.substr(name_begin, i - name_begin);
      while (i < in.size() && is_space(in[i])) ++i;
      if (i >= in.size() || in[i] != '=') continue;
      ++i;
      while (i < in.size() && is_space(in[i])) ++i;
      size_t end;
      std::string_view value;
      if (i < in.size() && (in[i] == '"' || in[i] == '\'')) {
        end = in.find(in[i], i + 1);
        if (end == in.npos) end = in.size();
        value = in.substr(i + 1, end - i - 1);
        i = end < in.size() ? end + 1 : end;
      } else {
        end = i;
        while (end < in.size() && !is_space(in[end])) ++end;
        value = in.substr(i, end - i);
        i = end;
      }
      use_attribute(element, name, value, hidden);
    }
  }

  void use_attribute(const std::string& element, std::string_view name, std::string_view value,
                     bool& hidden) {
    const bool href = iequals(name, "href");
    if (href || iequals(name, "src") || iequals(name, "background") || iequals(name, "action")) {
      std::string url;
      append_unescaped(url, trim(value).substr(0, 2048));
      if (href && element == "a") {
        in_link_ = true;
        link_text_.clear();
        link_url_ = url;
      }
      if (out_.links.size() < HtmlScan::kMaxLinks) out_.links.push_back({std::move(url), !href});
    } else if (iequals(name, "style")) {
      hidden = hidden || hides(value);
    } else if (iequals(name, "alt") && hidden_depth_ == 0) {
      append_unescaped(out_.text, value);
      out_.text.push_back(' ');
    }
  }

  void close(const std::string& name) {
    if (is_block(name) && !out_.text.empty() && out_.text.back() != '\n') out_.text.push_back('\n');
    if (hidden_depth_ > 0 && name == hidden_name_) --hidden_depth_;
    if (name == "a" && in_link_) {
      in_link_ = false;
      const std::string shown = host_shown(link_text_);
      const std::string real = parse_url(link_url_).host;
      if (!shown.empty() && !real.empty() && registered_domain(shown) != registered_domain(real)) {
        ++out_.mismatched_links;
      }
    }
  }

  /// A link's text that is itself a URL: its host.
  static std::string host_shown(std::string_view text) {
    text = trim(text);
    if (text.find(' ') != text.npos) return {};
    if (istarts_with(text, "http://") || istarts_with(text, "https://")) return parse_url(text).host;
    if (istarts_with(text, "www.")) return parse_url("http://" + std::string(text)).host;
    return {};
  }

  void skip_raw(std::string_view name) {
    for (size_t i = at_; i + name.size() + 2 <= in_.size(); ++i) {
      i = in_.find("</", i);
      if (i == in_.npos) break;
      if (istarts_with(in_.substr(i + 2), name)) {
        at_ = i;
        return;
      }
    }
    at_ = in_.size();
  }

  std::string_view in_;
  size_t at_ = 0;
  HtmlScan out_;
  std::string hidden_name_;
  size_t hidden_depth_ = 0;
  bool in_link_ = false;
  std::string link_text_;
  std::string link_url_;
};

}  // namespace

void append_unescaped(std::string& out, std::string_view text) {
  while (!text.empty()) {
    const size_t at = text.find('&');
    if (at == text.npos) {
      out.append(text);
      return;
    }
    out.append(text.substr(0, at));
    text.remove_prefix(at);
    const size_t used = take_entity(out, text);
    if (used == 0) out.push_back('&');
    text.remove_prefix(used == 0 ? 1 : used);
  }
}

HtmlScan scan_html(std::string_view html) {
  return Scanner(html).run();
}

}  // namespace dromos::spamd
