// Small texts of JMAP: states, dates, blob ids, keywords. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dromos::jmapd {

/// State of a type: the account's epoch (raised by a restore) and the type's last modseq, "0-4711".
struct State {
  int64_t epoch = 0;
  int64_t modseq = 0;
  bool operator==(const State&) const = default;
};
std::string to_text(const State& state);
std::optional<State> parse_state(std::string_view text);

/// RFC 8620 §1.4: UTCDate has the zone "Z", Date any offset. Microseconds since 1970.
std::optional<int64_t> parse_utc_date(std::string_view text);
struct LocalDate {
  int64_t epoch_seconds = 0;
  int offset_minutes = 0;
};
std::optional<LocalDate> parse_date_text(std::string_view text);
/// "2026-11-22T03:04:05Z": whole seconds, as comparisons of clients expect.
std::string utc_date(int64_t us);

/// A blob: bytes known by their hash, or a MIME part (index in the parsed tree) of such bytes, nested through
/// embedded messages. "B<base32 of SHA-256>[-part]...".
struct BlobId {
  static constexpr size_t kMaxDepth = 8;
  std::string hash;  ///< 32 bytes
  std::vector<uint32_t> parts;
  bool operator==(const BlobId&) const = default;
  BlobId part(uint32_t index) const;
};
std::string to_text(const BlobId& id);
std::optional<BlobId> parse_blob_id(std::string_view text);

/// RFC 8621 §4.1.1: 1-255 characters of %x21-%x7e save those IMAP cannot take.
bool is_keyword(std::string_view text);

}  // namespace dromos::jmapd
