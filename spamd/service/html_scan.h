// HTML as the filter sees it: visible text, links, and the tricks of those who hide text. One pass, no tree.
//
// Not a renderer: style attributes are searched for the few properties that make text invisible, style sheets
// are not applied. Any bytes are accepted; output is bounded by the input's size.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace dromos::spamd {

struct HtmlLink {
  std::string url;     ///< entities undone
  bool image = false;  ///< from src or background, not href
};

struct HtmlScan {
  static constexpr size_t kMaxLinks = 400;
  static constexpr size_t kMaxElements = 400;

  std::string text;  ///< what a reader sees; blocks separated by line feeds
  std::vector<HtmlLink> links;
  std::vector<std::string> elements;  ///< distinct names, lower case, first kMaxElements
  size_t images = 0;
  size_t tags = 0;
  size_t comments = 0;
  size_t hidden_bytes = 0;      ///< text in elements styled invisible
  size_t mismatched_links = 0;  ///< the text shows one host, href goes to another
  bool form = false;
  bool script = false;
  bool iframe = false;
};

HtmlScan scan_html(std::string_view html);

/// Appends `text` with character references undone (RFC-less: the common names and all numbers).
void append_unescaped(std::string& out, std::string_view text);

}  // namespace dromos::spamd
