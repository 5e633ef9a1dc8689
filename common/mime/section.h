// IMAP sections and JMAP parts: from a specification to bytes of the message (RFC 9051 §6.4.5, RFC 3516).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/mime/facts.h"
#include "common/mime/parser.h"

namespace dromos::mime {

struct Section {
  enum class What : uint8_t { all, header, header_fields, header_fields_not, text, mime };
  std::vector<uint32_t> path;  ///< part numbers from 1
  What what = What::all;
  std::vector<std::string> fields;  ///< as written, for HEADER.FIELDS
  bool operator==(const Section&) const = default;
};

/// "", "1.2", "TEXT", "2.HEADER", "1.MIME", "HEADER.FIELDS (From To)"; field names may be quoted.
Result<Section> parse_section(std::string_view spec);

struct Range {
  uint64_t begin = 0;
  uint64_t end = 0;
  uint64_t size() const { return end - begin; }
  bool operator==(const Range&) const = default;
};

/// The part a path names: 1 of a non-multipart is itself, and message/rfc822 numbers through its content.
std::optional<uint32_t> find_part(const PartTree& tree, const std::vector<uint32_t>& path);
/// True for the part that BODYSTRUCTURE shows in a multipart without parts (its grammar wants one): no
/// octets.
bool names_stand_in(const PartTree& tree, const std::vector<uint32_t>& path);
/// IMAP number ("1.2") of a part; empty for the root. JMAP uses it as partId.
std::string part_path(const PartTree& tree, uint32_t part);

/// Bytes of `what` in all, header, text, mime; for header_fields the header to be filtered. Nothing: NIL.
std::optional<Range> section_range(const PartTree& tree, const Section& section);
/// Bytes of any section; `raw` is the whole message. Nothing: NIL.
std::optional<std::string> section_bytes(std::string_view raw, const PartTree& tree, const Section& section);
/// Fields of `header` named (or not named) in `fields`, with the blank line IMAP wants at the end.
std::string filter_fields(std::string_view header, const std::vector<std::string>& fields, bool invert);

/// BINARY[...] and JMAP blobs: content of a leaf with its transfer encoding undone.
/// not_found: no such part; invalid_argument: the encoding is unknown ([UNKNOWN-CTE]).
Result<std::string> decoded_part(std::string_view raw, const Facts& facts, uint32_t part);

}  // namespace dromos::mime
