#include "jmapd/protocol/values.h"

#include <algorithm>
#include <chrono>

#include "common/base/clock.h"
#include "common/base/ids.h"
#include "common/base/strings.h"

namespace dromos::jmapd {
namespace {

/// A fixed number of digits off the front.
std::optional<int> digits(std::string_view& text, size_t count) {
  if (text.size() < count || !std::all_of(text.begin(), text.begin() + static_cast<long>(count), is_digit))
    return std::nullopt;
  const auto value = parse_number<int>(text.substr(0, count));
  text.remove_prefix(count);
  return value;
}

bool skip(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

struct Parsed {
  int64_t us = 0;
  int offset_minutes = 0;
  bool zulu = false;
};

bool read_zone(std::string_view& text, Parsed& out) {
  if (skip(text, 'Z')) return out.zulu = true;
  const bool west = text.starts_with('-');
  if (!skip(text, west ? '-' : '+')) return false;
  const auto hour = digits(text, 2);
  const bool colon = skip(text, ':');
  const auto minute = digits(text, 2);
  if (!hour || !colon || !minute || *hour > 23 || *minute > 59) return false;
  out.offset_minutes = (*hour * 60 + *minute) * (west ? -1 : 1);
  return true;
}

/// RFC 3339 date-time with upper-case letters; no fraction of zero (RFC 8620 §1.4).
std::optional<Parsed> parse(std::string_view text) {
  const auto year = digits(text, 4);
  bool ok = year && skip(text, '-');
  const auto month = ok ? digits(text, 2) : std::nullopt;
  ok = month && skip(text, '-');
  const auto day = ok ? digits(text, 2) : std::nullopt;
  ok = day && skip(text, 'T');
  const auto hour = ok ? digits(text, 2) : std::nullopt;
  ok = hour && skip(text, ':');
  const auto minute = ok ? digits(text, 2) : std::nullopt;
  ok = minute && skip(text, ':');
  const auto second = ok ? digits(text, 2) : std::nullopt;
  if (!second || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  int64_t fraction = 0;
  if (skip(text, '.')) {
    size_t count = 0;
    for (; !text.empty() && is_digit(text.front()); ++count, text.remove_prefix(1))
      if (count < 6) fraction = fraction * 10 + (text.front() - '0');
    if (count == 0) return std::nullopt;
    for (; count < 6; ++count) fraction *= 10;
  }
  Parsed out;
  if (!read_zone(text, out) || !text.empty()) return std::nullopt;
  const int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  out.us = ((days * 24 + *hour) * 60 + *minute - out.offset_minutes) * 60'000'000 +
           *second * int64_t{1'000'000} + fraction;
  return out;
}

}  // namespace

std::string to_text(const State& state) {
  return std::to_string(state.epoch) + "-" + std::to_string(state.modseq);
}

std::optional<State> parse_state(std::string_view text) {
  const size_t dash = text.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto epoch = parse_number<int64_t>(text.substr(0, dash));
  const auto modseq = parse_number<int64_t>(text.substr(dash + 1));
  if (!epoch || !modseq || *epoch < 0 || *modseq < 0) return std::nullopt;
  return State{*epoch, *modseq};
}

std::optional<int64_t> parse_utc_date(std::string_view text) {
  const auto parsed = parse(text);
  if (!parsed || !parsed->zulu) return std::nullopt;
  return parsed->us;
}

std::optional<LocalDate> parse_date_text(std::string_view text) {
  const auto parsed = parse(text);
  if (!parsed) return std::nullopt;
  return LocalDate{parsed->us / 1'000'000, parsed->offset_minutes};
}

std::string utc_date(int64_t us) {
  return to_rfc3339(us).substr(0, 19) + "Z";
}

BlobId BlobId::part(uint32_t index) const {
  BlobId out = *this;
  out.parts.push_back(index);
  return out;
}

std::string to_text(const BlobId& id) {
  std::string out = "B" + base32(id.hash);
  for (const uint32_t part : id.parts) out += "-" + std::to_string(part);
  return out;
}

std::optional<BlobId> parse_blob_id(std::string_view text) {
  if (text.size() > 255 || !text.starts_with('B')) return std::nullopt;
  const auto pieces = split(text.substr(1), '-');
  auto hash = unbase32(pieces.front());
  if (!hash || hash->size() != 32 || pieces.size() > BlobId::kMaxDepth + 1) return std::nullopt;
  BlobId id{std::move(*hash), {}};
  for (size_t i = 1; i < pieces.size(); ++i) {
    const auto part = parse_number<uint32_t>(pieces[i]);
    if (!part) return std::nullopt;
    id.parts.push_back(*part);
  }
  // One text an id: clients compare them.
  if (to_text(id) != text) return std::nullopt;
  return id;
}

bool is_keyword(std::string_view text) {
  constexpr std::string_view kForbidden = "(){]%*\"\\";
  return !text.empty() && text.size() <= 255 && std::all_of(text.begin(), text.end(), [&](char c) {
    return c > 0x20 && c < 0x7f && kForbidden.find(c) == std::string_view::npos;
  });
}

}  // namespace dromos::jmapd
