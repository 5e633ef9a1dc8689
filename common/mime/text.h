// Text of a message for searching, previews and the spam filter.
//
// Search text is one byte string of clean UTF-8, folded with fold_case:
//     name ": " value "\n"      one line per field of the root header, in order; encoded words decoded
//     "\0"
//     body                      decoded text parts (HTML as text), embedded messages' headers, attachment
//     names
// No other NUL occurs. IMAP SEARCH: HEADER name looks into the lines that begin with folded "name: "
// (split_search_text, header_line_values), BODY into the second half, TEXT into both. Fold the query with
// fold_case.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "common/mime/facts.h"

namespace dromos::mime {

/// Longest search text; header lines first, then body, cut at a character.
inline constexpr size_t kMaxSearchText = 1 << 20;
/// HTML longer than this is cut before it is read.
inline constexpr size_t kMaxHtml = 1 << 20;

/// `truncated`: some text of the message is not in the result, for its length or for a limit of the parser.
std::string search_text(std::string_view raw, const Facts& facts, bool* truncated = nullptr);

/// Text of an attachment, got elsewhere: clean UTF-8.
struct AttachedText {
  uint32_t part = 0;  ///< index in Facts::tree
  std::string text;
};
/// The same with these texts in it, each behind the name of its part. `truncated` does not speak of them: no
/// second look at the message's bytes would find more.
std::string search_text(std::string_view raw, const Facts& facts, std::span<const AttachedText> attached,
                        bool* truncated = nullptr);

struct SearchText {
  std::string_view headers;
  std::string_view body;
};
SearchText split_search_text(std::string_view search_text);
/// True if any field `folded_name` ("subject") holds `folded_needle`; an empty needle asks if the field
/// exists.
bool search_header(std::string_view headers, std::string_view folded_name, std::string_view folded_needle);

/// Text a reader would see, UTF-8, lines ended by '\n'; prefers text/plain, else HTML as text. At most
/// `limit` bytes.
std::string readable_text(std::string_view raw, const Facts& facts, size_t limit = 64 * 1024);
std::string readable_text(std::string_view raw, const PartTree& tree, const std::vector<PartInfo>& info,
                          size_t limit);
/// One line, blanks collapsed, at most `chars` characters.
std::string preview_of(std::string_view text, size_t chars = kPreviewChars);

/// Text of an HTML document: no markup, scripts, styles or comments; blocks separated by '\n'; alt texts
/// kept.
std::string html_to_text(std::string_view html_utf8, size_t limit = kMaxSearchText);
/// Charset a document declares in its first 1 KB (<meta>), or empty.
std::string html_charset(std::string_view html);

/// Decoded text of one leaf as UTF-8 (transfer encoding and charset undone); no HTML stripping. `truncated`
/// is set if there was more, and left alone if not.
std::string part_text(std::string_view raw, const Part& part, const PartInfo& info,
                      size_t limit = kMaxSearchText, bool* truncated = nullptr);

}  // namespace dromos::mime
