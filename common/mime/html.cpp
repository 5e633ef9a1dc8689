// HTML to text in one pass and constant memory: a tokenizer (after WHATWG HTML §13.2.5), no tree. A tree
// builder is quadratic on hostile nesting, and a search text or preview needs none.
#include <algorithm>
#include <array>
#include <utility>

#include "common/base/strings.h"
#include "common/base/utf8.h"
#include "common/mime/text.h"

namespace dromos::mime {
namespace {

constexpr size_t kMaxTagName = 16;
constexpr size_t kMaxEntity = 32;

constexpr std::string_view kBlocks[] = {
    "address", "article",  "aside",   "blockquote", "br",    "center", "dd",  "div", "dl",
    "dt",      "fieldset", "figure",  "footer",     "form",  "h1",     "h2",  "h3",  "h4",
    "h5",      "h6",       "header",  "hr",         "li",    "main",   "nav", "ol",  "option",
    "p",       "pre",      "section", "table",      "title", "tr",     "ul"};
constexpr std::string_view kHidden[] = {"script", "style", "template", "noframes", "title", "textarea"};

constexpr std::pair<std::string_view, uint32_t> kEntities[] = {
    {"AElig", 198},   {"Aacute", 193}, {"Acirc", 194},   {"Agrave", 192},  {"Aring", 197},   {"Atilde", 195},
    {"Auml", 196},    {"Ccedil", 199}, {"Eacute", 201},  {"Ecirc", 202},   {"Egrave", 200},  {"Euml", 203},
    {"Iacute", 205},  {"Icirc", 206},  {"Igrave", 204},  {"Iuml", 207},    {"Ntilde", 209},  {"OElig", 338},
    {"Oacute", 211},  {"Ocirc", 212},  {"Ograve", 210},  {"Oslash", 216},  {"Otilde", 213},  {"Ouml", 214},
    {"Scaron", 352},  {"Uacute", 218}, {"Ucirc", 219},   {"Ugrave", 217},  {"Uuml", 220},    {"Yacute", 221},
    {"aacute", 225},  {"acirc", 226},  {"acute", 180},   {"aelig", 230},   {"agrave", 224},  {"amp", '&'},
    {"apos", '\''},   {"aring", 229},  {"atilde", 227},  {"auml", 228},    {"bdquo", 8222},  {"bull", 8226},
    {"ccedil", 231},  {"cent", 162},   {"copy", 169},    {"deg", 176},     {"divide", 247},  {"eacute", 233},
    {"ecirc", 234},   {"egrave", 232}, {"emsp", 8195},   {"ensp", 8194},   {"eth", 240},     {"euml", 235},
    {"euro", 8364},   {"frac12", 189}, {"frac14", 188},  {"gt", '>'},      {"hellip", 8230}, {"iacute", 237},
    {"icirc", 238},   {"iexcl", 161},  {"igrave", 236},  {"iquest", 191},  {"iuml", 239},    {"laquo", 171},
    {"larr", 8592},   {"ldquo", 8220}, {"lsaquo", 8249}, {"lsquo", 8216},  {"lt", '<'},      {"mdash", 8212},
    {"micro", 181},   {"middot", 183}, {"nbsp", ' '},    {"ndash", 8211},  {"ntilde", 241},  {"oacute", 243},
    {"ocirc", 244},   {"oelig", 339},  {"ograve", 242},  {"ordf", 170},    {"ordm", 186},    {"oslash", 248},
    {"otilde", 245},  {"ouml", 246},   {"para", 182},    {"permil", 8240}, {"plusmn", 177},  {"pound", 163},
    {"quot", '"'},    {"raquo", 187},  {"rarr", 8594},   {"rdquo", 8221},  {"reg", 174},     {"rsaquo", 8250},
    {"rsquo", 8217},  {"sbquo", 8218}, {"scaron", 353},  {"sect", 167},    {"shy", 173},     {"szlig", 223},
    {"thinsp", 8201}, {"thorn", 254},  {"times", 215},   {"trade", 8482},  {"uacute", 250},  {"ucirc", 251},
    {"ugrave", 249},  {"uml", 168},    {"uuml", 252},    {"yacute", 253},  {"yen", 165},     {"yuml", 255},
    {"zwj", 8205},    {"zwnj", 8204}};

template <size_t N>
bool one_of(const std::string_view (&list)[N], std::string_view name) {
  return std::find(std::begin(list), std::end(list), name) != std::end(list);
}

// Width-less and soft characters that senders pad previews with.
bool is_filler(uint32_t c) {
  return c == 0xad || (c >= 0x200b && c <= 0x200f) || c == 0xfeff || c == 0x34f;
}

class Stripper {
 public:
  Stripper(std::string_view html, size_t limit) : in_(html), limit_(limit) {
    out_.reserve(std::min(limit, html.size()));
  }

  std::string run() {
    while (at_ < in_.size() && out_.size() < limit_) {
      const char c = in_[at_];
      if (c == '<') {
        if (!markup()) text_char('<');
      } else if (c == '&') {
        entity();
      } else {
        text_run();
      }
    }
    while (!out_.empty() && is_space(out_.back())) out_.pop_back();
    if (out_.size() > limit_) {
      size_t cut = limit_;
      while (cut > 0 && (static_cast<unsigned char>(out_[cut]) & 0xc0) == 0x80) --cut;
      out_.resize(cut);
    }
    return std::move(out_);
  }

 private:
  void flush_space() {
    if (want_line_ && !out_.empty())
      out_ += '\n';
    else if (want_space_ && !out_.empty())
      out_ += ' ';
    want_line_ = want_space_ = false;
  }

  void text_char(char c) {
    flush_space();
    out_ += c;
    ++at_;
  }

  void text_run() {
    while (at_ < in_.size()) {
      size_t end = at_;
      while (end < in_.size() && !is_space(in_[end]) && in_[end] != '<' && in_[end] != '&') ++end;
      if (end > at_) {
        flush_space();
        out_.append(in_.substr(at_, end - at_));
        at_ = end;
      }
      if (at_ >= in_.size() || !is_space(in_[at_])) return;
      want_space_ = true;
      ++at_;
      if (out_.size() >= limit_) return;
    }
  }

  void entity() {
    const std::string_view rest = in_.substr(at_ + 1, kMaxEntity);
    uint32_t code = 0;
    size_t used = 0;
    if (rest.starts_with('#')) {
      const bool hexadecimal = rest.size() > 1 && ascii_lower(rest[1]) == 'x';
      size_t i = hexadecimal ? 2 : 1;
      const size_t first = i;
      for (; i < rest.size(); ++i) {
        const char l = ascii_lower(rest[i]);
        const int digit = is_digit(l) ? l - '0' : hexadecimal && l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
        if (digit < 0) break;
        code = std::min<uint32_t>(code * (hexadecimal ? 16 : 10) + static_cast<uint32_t>(digit), 0x110000);
      }
      if (i > first) used = i;
    } else {
      size_t i = 0;
      while (i < rest.size() && (is_alpha(rest[i]) || is_digit(rest[i]))) ++i;
      const std::string_view name = rest.substr(0, i);
      const auto* found =
          std::lower_bound(std::begin(kEntities), std::end(kEntities), name,
                           [](const auto& entry, std::string_view want) { return entry.first < want; });
      if (found != std::end(kEntities) && found->first == name) {
        code = found->second;
        used = i;
      }
    }
    if (used == 0) return text_char('&');
    at_ += 1 + used;
    if (at_ < in_.size() && in_[at_] == ';') ++at_;
    if (code == ' ' || code == 0xa0 || (code >= 9 && code <= 13)) {
      want_space_ = true;
    } else if (!is_filler(code)) {
      flush_space();
      append_utf8(out_, code == 0 ? kReplacement : code);
    }
  }

  // False: this '<' is text.
  bool markup() {
    const char next = at_ + 1 < in_.size() ? in_[at_ + 1] : '\0';
    if (in_.substr(at_, 4) == "<!--") {
      at_ = end_of("-->", at_ + 4, comment_end_);
      return true;
    }
    if (next == '!' || next == '?') {
      at_ = end_of(">", at_, plain_end_);
      return true;
    }
    if (!is_alpha(next) && next != '/') return false;
    const size_t close = tag_end();
    if (close == std::string_view::npos) {
      at_ = in_.size();
      return true;
    }
    tag(in_.substr(at_ + 1, close - at_ - 1));
    at_ = close + 1;
    if (!hidden_.empty()) skip_hidden();
    return true;
  }

  // Offset behind `mark`, or the end. `memo` keeps the scan linear when it is missing.
  size_t end_of(std::string_view mark, size_t from, size_t& memo) {
    if (memo == std::string_view::npos) return in_.size();
    memo = in_.find(mark, from);
    return memo == std::string_view::npos ? in_.size() : memo + mark.size();
  }

  // '>' outside quotes; where a quote is never closed, any '>'.
  size_t tag_end() {
    if (!broken_quotes_) {
      char quote = '\0';
      for (size_t i = at_ + 1; i < in_.size(); ++i) {
        const char c = in_[i];
        if (quote != '\0') {
          if (c == quote) quote = '\0';
        } else if ((c == '"' || c == '\'') && in_[i - 1] == '=') {
          quote = c;
        } else if (c == '>') {
          return i;
        }
      }
      broken_quotes_ = true;
    }
    return in_.find('>', at_);
  }

  void tag(std::string_view body) {
    const bool closing = body.starts_with('/');
    if (closing) body.remove_prefix(1);
    std::string name;
    size_t i = 0;
    while (i < body.size() && name.size() < kMaxTagName && (is_alpha(body[i]) || is_digit(body[i])))
      name += ascii_lower(body[i++]);
    if (one_of(kBlocks, name)) {
      want_line_ = true;
    } else if (name == "td" || name == "th") {
      want_space_ = true;
    } else if (name == "img" && !closing) {
      alt_text(body.substr(i));
    }
    if (!closing && one_of(kHidden, name) && !body.ends_with('/')) hidden_ = name;
  }

  void alt_text(std::string_view attributes) {
    for (size_t i = 0; i + 5 < attributes.size(); ++i) {
      if (!is_space(attributes[i]) || !istarts_with(attributes.substr(i + 1), "alt=")) continue;
      const char quote = attributes[i + 5];
      if (quote != '"' && quote != '\'') return;
      const size_t begin = i + 6;
      const size_t end = attributes.find(quote, begin);
      if (end == std::string_view::npos || end == begin) return;
      want_space_ = true;
      flush_space();
      for (const char c : attributes.substr(begin, end - begin)) out_ += is_space(c) ? ' ' : c;
      want_space_ = true;
      return;
    }
  }

  void skip_hidden() {
    const std::string name = std::exchange(hidden_, {});
    while (true) {
      const size_t open = in_.find("</", at_);
      if (open == std::string_view::npos) {
        at_ = in_.size();
        return;
      }
      at_ = open + 2;
      if (!istarts_with(in_.substr(at_), name)) continue;
      at_ = end_of(">", at_, plain_end_);
      want_line_ = true;
      return;
    }
  }

  std::string_view in_;
  const size_t limit_;
  size_t at_ = 0;
  std::string out_;
  std::string hidden_;
  bool want_space_ = false, want_line_ = false, broken_quotes_ = false;
  size_t comment_end_ = 0, plain_end_ = 0;
};

}  // namespace

std::string html_to_text(std::string_view html_utf8, size_t limit) {
  return Stripper(html_utf8.substr(0, kMaxHtml), limit).run();
}

std::string html_charset(std::string_view html) {
  const std::string head = to_lower(html.substr(0, 1024));
  const size_t at = head.find("charset=");
  if (at == std::string::npos) return {};
  size_t i = at + 8;
  while (i < head.size() && (head[i] == '"' || head[i] == '\'' || head[i] == ' ')) ++i;
  std::string out;
  while (i < head.size() && (is_alpha(head[i]) || is_digit(head[i]) || head[i] == '-' || head[i] == '_'))
    out += head[i++];
  return out;
}

}  // namespace dromos::mime
