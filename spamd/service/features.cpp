#include "spamd/service/features.h"

#include <algorithm>
#include <array>
#include <string>

#include "common/base/strings.h"
#include "spamd/service/header_tokens.h"
#include "spamd/service/html_scan.h"
#include "spamd/service/url.h"
#include "spamd/service/words.h"

namespace dromos::spamd {
namespace {

constexpr size_t kMaxUrls = 200;

constexpr std::array<std::string_view, 14> kShorteners = {
    "bit.ly",     "buff.ly", "cutt.ly",     "goo.gl", "is.gd", "ow.ly",   "rb.gy",
    "rebrand.ly", "s.id",    "shorturl.at", "t.co",   "t.ly",  "tiny.cc", "tinyurl.com"};

constexpr std::array<std::string_view, 30> kRisky = {"ace", "bat", "chm", "cmd",  "com", "cpl", "dll", "docm",
                                                     "exe", "hta", "htm", "html", "img", "iso", "jar", "js",
                                                     "jse", "lnk", "msi", "one",  "pif", "ps1", "reg", "scr",
                                                     "svg", "vbe", "vbs", "wsf",  "xll", "xlsm"};

std::string_view size_bucket(size_t bytes) {
  static constexpr std::array<std::string_view, 12> kNames = {"0",  "64", "128", "256", "512", "1k",
                                                              "2k", "4k", "8k",  "16k", "32k", "64k"};
  size_t at = 0;
  for (size_t limit = 64; at + 1 < kNames.size() && bytes >= limit; limit *= 2) ++at;
  return kNames[at];
}

class Extractor {
 public:
  Extractor(const MailView& mail, const Envelope& envelope, bool keep_text)
      : mail_(mail), envelope_(envelope), out_{TokenSet(keep_text), {}} {}

  Features run() {
    add_header_tokens(out_.tokens, mail_);
    for (const PartView& part : mail_.parts) add_part(part);
    add_structure();
    out_.rules = run_rules(mail_, envelope_, stats_);
    for (const RuleHit& hit : out_.rules) out_.tokens.add(Group::rule, "rule:", hit.rule->name);
    return std::move(out_);
  }

 private:
  void add_part(const PartView& part) {
    auto& tokens = out_.tokens;
    tokens.add(Group::structure, "type:", part.type);
    if (!part.charset.empty()) tokens.add(Group::structure, "charset:", part.charset);
    if (!part.encoding.empty()) tokens.add(Group::structure, "encoding:", part.encoding.substr(0, 24));
    if (part.is_multipart) return;
    if (part.is_attachment()) {
      add_attachment(part);
      if (!part.is_text() || part.disposition == "attachment") return;
    }
    if (!part.is_text()) return;
    stats_.text_bytes += part.text.size();
    if (part.encoding == "base64" && is_ascii(part.text)) ++stats_.base64_text_parts;
    if (part.is_html()) {
      ++stats_.html_parts;
      add_html(part.text);
    } else {
      ++stats_.plain_parts;
      add_text(part.text);
      for (const std::string_view url : find_urls(part.text, kMaxUrls)) add_url(url, false);
    }
  }

  void add_text(std::string_view text) {
    const WordStats words = add_words(out_.tokens, text, {});
    stats_.words += words.words;
    stats_.capital_words += words.capital_words;
    stats_.wide_chars += words.wide_chars;
    stats_.zero_width += words.zero_width;
  }

  void add_html(std::string_view html) {
    const HtmlScan scan = scan_html(html);
    add_text(scan.text);
    for (const HtmlLink& link : scan.links) add_url(link.url, link.image);
    for (const std::string_view url : find_urls(scan.text, kMaxUrls)) add_url(url, false);
    for (const std::string& element : scan.elements) out_.tokens.add(Group::structure, "element:", element);
    stats_.images += scan.images;
    stats_.hidden_bytes += scan.hidden_bytes;
    stats_.mismatched_links += scan.mismatched_links;
    stats_.comments += scan.comments;
    stats_.form = stats_.form || scan.form;
    stats_.script = stats_.script || scan.script;
    out_.tokens.add(Group::structure, "images:", std::to_string(std::min<size_t>(scan.images, 6)));
    out_.tokens.add(Group::structure, "htmltext:", size_bucket(scan.text.size()));
    const size_t percent = html.empty() ? 0 : scan.text.size() * 10 / html.size();
    out_.tokens.add(Group::structure, "htmlratio:", std::to_string(percent));
  }

  void add_url(std::string_view text, bool image) {
    const Url url = text.starts_with("www.") ? parse_url("http://" + std::string(text)) : parse_url(text);
    if (url.host.empty()) return;
    auto& tokens = out_.tokens;
    const std::string domain = registered_domain(url.host);
    tokens.add(Group::url, url.scheme == "mailto" ? "mailto:" : image ? "img:" : "url:", domain);
    if (url.host != domain) tokens.add(Group::url, "host:", url.host);
    if (!url.ip_host) tokens.add(Group::url, "tld:", url.host.substr(url.host.rfind('.') + 1));
    if (url.scheme == "mailto") return;
    add_path(text);
    ++stats_.links;
    if (url.has_port) ++stats_.port_links;
    if (url.has_user) ++stats_.user_links;
    if (url.ip_host) {
      ++stats_.ip_links;
      if (stats_.ip_link.empty()) stats_.ip_link = url.host;
    }
    if (std::find(kShorteners.begin(), kShorteners.end(), domain) != kShorteners.end()) {
      ++stats_.shortened_links;
      stats_.shortened_link = domain;
    }
  }

  /// First piece of the path and the file's extension.
  void add_path(std::string_view url) {
    const size_t host = url.find("//");
    const size_t slash = url.find('/', host == url.npos ? 0 : host + 2);
    if (slash == url.npos) return;
    const std::string_view path = url.substr(slash + 1, url.find_first_of("?#", slash) - slash - 1);
    const std::string_view first = path.substr(0, path.find('/'));
    if (!first.empty() && first.size() <= 24) out_.tokens.add(Group::url, "path:", to_lower(first));
    if (const size_t dot = path.rfind('.'); dot != path.npos && path.size() - dot <= 6) {
      out_.tokens.add(Group::url, "ext:", to_lower(path.substr(dot + 1)));
    }
  }

  void add_attachment(const PartView& part) {
    ++stats_.attachments;
    const size_t dot = part.filename.rfind('.');
    if (dot == part.filename.npos) return;
    const std::string extension = to_lower(part.filename.substr(dot + 1)).substr(0, 12);
    out_.tokens.add(Group::structure, "attached:", extension);
    if (std::binary_search(kRisky.begin(), kRisky.end(), extension)) stats_.risky_attachment = part.filename;
  }

  void add_structure() {
    auto& tokens = out_.tokens;
    tokens.add(Group::structure, "textsize:", size_bucket(stats_.text_bytes));
    tokens.add(Group::structure, "words:", size_bucket(stats_.words));
    tokens.add(Group::structure, "links:", std::to_string(std::min<size_t>(stats_.links, 10)));
    tokens.add(Group::structure, "parts:", std::to_string(std::min<size_t>(mail_.parts.size(), 8)));
    if (stats_.wide_chars * 10 > stats_.text_bytes) tokens.add(Group::structure, "wide");
    std::string tree;
    for (const PartView& part : mail_.parts) {
      if (tree.size() < 60) tree.append(part.type.substr(part.type.find('/') + 1)).push_back(' ');
    }
    tokens.add(Group::structure, "tree:", tree);
  }

  const MailView& mail_;
  const Envelope& envelope_;
  Features out_;
  ContentStats stats_;
};

}  // namespace

Features extract(const MailView& mail, const Envelope& envelope, bool keep_text) {
  return Extractor(mail, envelope, keep_text).run();
}

Features extract(std::string_view raw, const Envelope& envelope, bool keep_text) {
  return extract(view_mail(raw), envelope, keep_text);
}

}  // namespace dromos::spamd
