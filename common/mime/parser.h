// Parser: MIME structure of a message as byte offsets (RFC 2045, RFC 2046 §5.1, RFC 5322 §2.1).
//
// A push parser: feed() chunks of any size, then finish(). The result does not depend on how the bytes were
// cut. It never throws and never fails: whatever is no MIME is a text/plain leaf. CRLF and bare LF end a
// line. Memory is bounded by the limits below and not by the message; past a limit the rest is an opaque leaf
// and the part carries a flag. As in RFC 2046 the line break before a delimiter line belongs to the
// delimiter.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace dromos::mime {

/// Levels of multipart and message/rfc822 below the root; deeper containers are leaves.
inline constexpr size_t kMaxNesting = 50;
/// Parts of one message; what follows belongs to the last part.
inline constexpr size_t kMaxParts = 10'000;
/// Header bytes and fields of one part that are looked at; the header itself still ends at its blank line.
inline constexpr size_t kMaxHeaderBytes = 1 << 20;
inline constexpr size_t kMaxHeaderFields = 20'000;
/// Longest value of a Content-Type field that is interpreted.
inline constexpr size_t kMaxContentType = 16'384;
/// RFC 2046 §5.1.1 allows 70; some senders use a little more.
inline constexpr size_t kMaxBoundary = 128;

inline constexpr uint32_t kNoPart = UINT32_MAX;

enum class PartKind : uint8_t { leaf, multipart, message };

enum PartFlag : uint8_t {
  kPartNestingLimit = 1,  ///< a container shown as a leaf, for depth
  kPartCountLimit = 2,    ///< further parts were not split off
  kPartHeaderLimit = 4,   ///< header fields past a limit were not looked at
  kPartNotClosed = 8,     ///< multipart without its closing delimiter
};

/// Offsets count from the message's first byte. The header includes its blank line.
struct Part {
  uint64_t header_begin = 0;
  uint64_t body_begin = 0;  ///< also the header's end
  uint64_t body_end = 0;
  uint32_t header_lines = 0;  ///< line feeds in the header
  uint32_t body_lines = 0;    ///< line feeds in the body
  uint32_t parent = kNoPart;
  uint32_t first_child = kNoPart;
  uint32_t next_sibling = kNoPart;
  uint32_t child_count = 0;
  uint16_t depth = 0;
  PartKind kind = PartKind::leaf;
  uint8_t flags = 0;

  uint64_t header_size() const { return body_begin - header_begin; }
  uint64_t body_size() const { return body_end - body_begin; }
  bool operator==(const Part&) const = default;
};

/// Depth-first order; parts[0] is the message itself and always there. A part of kind `message` has one
/// child, the embedded message's root.
struct PartTree {
  std::vector<Part> parts;
  uint64_t size = 0;  ///< bytes of the whole message

  const Part& root() const { return parts.front(); }
  bool operator==(const PartTree&) const = default;
};

class Parser {
 public:
  Parser();
  ~Parser();
  Parser(Parser&&) noexcept;
  Parser& operator=(Parser&&) noexcept;

  void feed(std::string_view bytes);
  /// Ends the message; the parser is spent.
  PartTree finish();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

PartTree parse(std::string_view raw);

}  // namespace dromos::mime
