// Facts: all that IMAP FETCH and JMAP Email/get say of a message without reading it again. Built once, at
// delivery, stored as bytes (docs/formats: facts_format.h) with format and parser version.
//
// Text in Facts is bytes as they came unless it says UTF-8. decode_facts checks every bound: its input is
// hostile.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/mime/date.h"
#include "common/mime/header.h"
#include "common/mime/parser.h"

namespace dromos::mime {

/// Raise when the bytes change shape, or when the same message would give other facts.
inline constexpr uint8_t kFactsFormat = 1;
inline constexpr uint8_t kFactsParser = 2;
/// Facts of a sane message are 1-3 KB; longer encodings drop the tail of address and header lists.
inline constexpr size_t kMaxFactsText = 256 * 1024;
inline constexpr size_t kPreviewChars = 256;  // RFC 8970 §3.1 and RFC 8621 §4.1.4

/// MIME fields of one part; same index as in the tree. Values are as BODYSTRUCTURE shows them.
struct PartInfo {
  bool has_type =
      false;  ///< a Content-Type field was there; else text/plain (message/rfc822 in digests) holds
  std::string type = "text";
  std::string subtype = "plain";
  Params params;
  bool has_disposition = false;
  std::string disposition;
  Params disposition_params;
  std::vector<std::string> languages;
  std::optional<std::string> id, description, location, md5, encoding;
  /// Rendered ENVELOPE "(...)" of the embedded message, for kind message.
  std::string envelope;

  bool is(std::string_view want_type, std::string_view want_subtype = {}) const;
  bool is_text() const { return is("text"); }
  std::string charset() const;
  /// File name as clean UTF-8: Content-Disposition filename, else Content-Type name; empty if none.
  std::string filename() const;
  bool operator==(const PartInfo&) const = default;
};

/// Header fields whose unfolded value is kept: of repeated ones the last, address lists joined by ", ".
/// Absent is not the same as empty.
enum class Kept : uint8_t {
  date,
  subject,
  from,
  sender,
  reply_to,
  to,
  cc,
  bcc,
  in_reply_to,
  message_id,
  references,
  list_id,
  count_
};
inline constexpr size_t kKeptCount = static_cast<size_t>(Kept::count_);
std::string_view kept_name(Kept which);

/// One field of the root header; offsets into the message.
struct HeaderEntry {
  std::string name;  ///< as written
  uint32_t offset = 0;
  uint32_t length = 0;  ///< with the last line break
  bool operator==(const HeaderEntry&) const = default;
};

struct Facts {
  PartTree tree;
  std::vector<PartInfo> info;  ///< one per part
  std::array<std::optional<std::string>, kKeptCount> kept;
  std::vector<HeaderEntry> headers;
  /// Normalised ids for threading, without brackets.
  std::string message_id;
  std::vector<std::string> in_reply_to;
  std::vector<std::string> references;
  std::string base_subject;  ///< UTF-8, RFC 5256 §2.1
  bool reply_or_forward = false;
  std::optional<Date> sent;
  std::string preview;  ///< UTF-8, at most kPreviewChars characters, one line
  bool has_attachment = false;
  bool has_8bit_header = false;
  /// Every line ends in CRLF, the last one too. False: some do not, or nobody looked.
  bool has_crlf_lines = false;
  std::string envelope;       ///< IMAP ENVELOPE "(...)", may hold literals
  std::string bodystructure;  ///< IMAP BODYSTRUCTURE "(...)"

  uint64_t size() const { return tree.size; }
  const std::optional<std::string>& get(Kept which) const { return kept[static_cast<size_t>(which)]; }
  bool operator==(const Facts&) const = default;
};

/// Never fails; hostile messages give limited facts.
Facts build_facts(std::string_view raw);
/// The same with a tree parsed while the message came in (tree.size == raw.size()).
Facts build_facts(std::string_view raw, PartTree tree);
/// What is stored when building failed for a bug or memory: size and nothing else.
Facts minimal_facts(std::string_view raw);

std::string encode_facts(const Facts& facts);
Result<Facts> decode_facts(std::string_view bytes);
/// IMAP BODY (without extension data) of decoded facts.
std::string render_body(const Facts& facts);
/// A part as it is shown once its transfer encoding is undone: no text lines are counted in it.
struct DecodedShape {
  std::string encoding;  ///< "7bit", "8bit" or "binary"
  uint64_t size = 0;
};
/// BODYSTRUCTURE of one part of the message; a leaf as `decoded` has it, if given.
std::string render_part(const Facts& facts, uint32_t part,
                        const std::optional<DecodedShape>& decoded = std::nullopt);

/// Opens encoded facts without decoding: constant time, views into `bytes`, which must outlive it.
class FactsView {
 public:
  /// Fails on another format, or on broken bytes (what it hands out is in bounds then).
  static Result<FactsView> open(std::string_view bytes);
  /// False: facts are older than this code; parse the message again.
  bool current() const { return parser_ == kFactsParser; }
  uint64_t size() const { return size_; }
  bool has_attachment() const { return has_attachment_; }
  bool has_8bit_header() const { return has_8bit_header_; }
  bool has_crlf_lines() const { return has_crlf_lines_; }
  /// Date field in seconds since 1970 UTC.
  std::optional<int64_t> sent() const { return sent_; }
  std::string_view envelope() const { return envelope_; }
  std::string_view bodystructure() const { return bodystructure_; }
  std::string_view preview() const { return preview_; }
  std::string_view message_id() const { return message_id_; }
  std::string_view base_subject() const { return base_subject_; }
  uint64_t root_header_size() const { return root_header_size_; }

 private:
  uint8_t parser_ = 0;
  uint64_t size_ = 0;
  uint64_t root_header_size_ = 0;
  bool has_attachment_ = false;
  bool has_8bit_header_ = false;
  bool has_crlf_lines_ = false;
  std::optional<int64_t> sent_;
  std::string_view envelope_, bodystructure_, preview_, message_id_, base_subject_;
};

/// What sorting, threading and searching addresses and subjects need of encoded facts: views into the bytes,
/// without decoding the rest.
struct FactsKeys {
  bool current = false;  ///< false: an older parser made them; parse the message again
  bool reply_or_forward = false;
  bool repeated = false;  ///< From, To, Cc or Subject stands there more than once
  std::optional<Date> sent;
  std::string_view envelope, message_id, base_subject;
  std::array<std::optional<std::string_view>, kKeptCount> kept;
  std::vector<std::string_view> in_reply_to, references;
  const std::optional<std::string_view>& get(Kept which) const { return kept[static_cast<size_t>(which)]; }
};
Result<FactsKeys> read_facts_keys(std::string_view bytes);

}  // namespace dromos::mime
