// Header fields: iteration, unfolding, encoded words, structured Content-* values.
//
// RFC 5322 §2.2, RFC 2047, RFC 2231, RFC 2045 §5, RFC 2183. Tolerant: a line without colon is a field with
// that name and no value; the blank line or the end of input ends the header. Pure functions over bytes;
// views point into the input.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dromos::mime {

struct Field {
  std::string_view name;   ///< without colon and without blanks before it
  std::string_view value;  ///< after the colon and leading blanks, folded, without the last line break
  std::string_view text;   ///< the same with what leads it
  size_t offset = 0;       ///< of the name in the iterated bytes
  size_t length = 0;       ///< of the whole field with its last line break
};

/// Walks the fields of a header: `for (FieldReader r(raw); auto f = r.next();)`.
class FieldReader {
 public:
  explicit FieldReader(std::string_view header) : header_(header) {}
  /// Nothing at the blank line or the end.
  std::optional<Field> next();
  /// Offset behind the last field read, or behind the blank line once next() gave nothing.
  size_t position() const { return at_; }

 private:
  std::string_view header_;
  size_t at_ = 0;
};

/// First (or last) field of that name, compared without case.
std::optional<Field> find_field(std::string_view header, std::string_view name);
std::optional<Field> find_last_field(std::string_view header, std::string_view name);

/// One line of a folded value: each line break with the blanks around it becomes one space (as Dovecot shows
/// it), blanks at both ends vanish, others stay.
std::string unfold(std::string_view value);
/// Text of a field that is not for people: only line breaks vanish (RFC 5322 §2.2.3). Blanks between colon
/// and text are dropped, not those of a folded line.
std::string unfold_exactly(const Field& field);
/// Removes RFC 5322 comments outside quoted strings and trims.
std::string strip_comments(std::string_view value);

/// Encoded words of an unfolded value -> clean UTF-8 (RFC 2047 §6.2: blanks between adjacent ones vanish).
/// Raw 8-bit bytes are taken as UTF-8 if they are, else as windows-1252. Result may not contain NUL, CR, LF.
std::string decode_words(std::string_view value);
/// unfold + decode_words.
std::string decode_text(std::string_view value);

struct Param {
  std::string name;  ///< as written; RFC 2231 extended values keep the '*'
  std::string value;
  bool operator==(const Param&) const = default;
};
using Params = std::vector<Param>;

/// Value of Content-Type or Content-Disposition with parameters as IMAP shows them: continuations are joined,
/// extended values stay percent-encoded under "name*".
struct ParamValue {
  std::string value;  ///< "text/plain" or "attachment", case kept
  Params params;
  bool operator==(const ParamValue&) const = default;
};

struct ContentType {
  std::string type;  ///< as written, e.g. "TEXT"
  std::string subtype;
  Params params;
  bool is(std::string_view want_type, std::string_view want_subtype = {}) const;
};

inline constexpr size_t kMaxParams = 100;

/// A broken value is text/plain without parameters (RFC 2045 §5.2).
ContentType parse_content_type(std::string_view unfolded);
/// Nothing if there is no token at the start.
std::optional<ParamValue> parse_disposition(std::string_view unfolded);
/// Nothing if the field is no single token; then 7bit holds.
std::optional<std::string> parse_transfer_encoding(std::string_view unfolded);
std::vector<std::string> parse_language(std::string_view unfolded);

/// Parameter as clean UTF-8: RFC 2231 form first, then encoded words (common in the wild), then bytes.
std::optional<std::string> param_text(const Params& params, std::string_view name);
/// Parameter bytes as they are.
std::optional<std::string_view> param_raw(const Params& params, std::string_view name);

/// Every "<id>" of Message-ID, In-Reply-To, References, without brackets and inner blanks (RFC 5256 §2.2; a
/// bare id without brackets counts if `bare_ok`). At most kMaxMessageIds, the last ones win.
inline constexpr size_t kMaxMessageIds = 1000;
std::vector<std::string> parse_message_ids(std::string_view value, bool bare_ok = false);

/// RFC 5256 §2.1 base subject of a decoded subject, upper-cased by the caller if he compares.
struct BaseSubject {
  std::string text;
  bool reply_or_forward = false;
};
BaseSubject base_subject(std::string_view decoded_subject);

}  // namespace dromos::mime
