#include "imapd/service/url_part.h"

#include <algorithm>

#include "common/store/errc.h"

namespace dromos::imapd {
namespace {

constexpr size_t kLongestLine = 998;  // of 7bit and 8bit (RFC 2045 §2.7, §2.8)

Unexpected nothing_there() {
  return fail(store::StoreErrc::not_found, "no such message");
}

/// What the octets are, without an encoding (RFC 2045 §2), and how many lines.
class Shape {
 public:
  void take(std::string_view octets) {
    size_ += octets.size();
    for (const char c : octets) {
      if (c == '\n') {
        ++lines_;
        column_ = 0;
      } else if (++column_ > kLongestLine) {
        binary_ = true;
      }
      binary_ |= c == '\0';
      eight_bit_ |= static_cast<unsigned char>(c) >= 0x80;
    }
  }
  std::string encoding() const { return binary_ ? "binary" : eight_bit_ ? "8bit" : "7bit"; }
  uint64_t size() const { return size_; }
  uint64_t lines() const { return lines_; }

 private:
  uint64_t size_ = 0;
  uint64_t lines_ = 0;
  size_t column_ = 0;
  bool binary_ = false;
  bool eight_bit_ = false;
};

}  // namespace

bool UrlPart::is_filtered() const {
  return section_.what == mime::Section::What::header_fields ||
         section_.what == mime::Section::What::header_fields_not;
}

std::optional<uint32_t> UrlPart::whole_part() const {
  if (!facts_ || url_.partial || section_.path.empty() || section_.what != mime::Section::What::all)
    return std::nullopt;
  return mime::find_part(facts_->tree, section_.path);
}

Task<Result<void>> UrlPart::read_facts(Deadline deadline) {
  if (facts_) co_return Result<void>{};
  CO_TRY(facts_, co_await loader_.facts(message_, size_, deadline));
  co_return Result<void>{};
}

Task<Result<void>> UrlPart::open(Deadline deadline) {
  auto section = mime::parse_section(url_.section);
  if (!section) co_return nothing_there();
  section_ = std::move(*section);
  CO_TRY(const auto entries, co_await worker_.entries.slice(account_, mailbox_, url_.uid, 1, deadline));
  if (entries.empty() || entries.front().uid != url_.uid) co_return nothing_there();
  size_ = static_cast<uint64_t>(entries.front().size);
  CO_TRY(auto loaded, co_await loader_.load({url_.uid}, {.facts = true, .raw = true}, deadline));
  if (loaded.empty() || !loaded.front().found) co_return nothing_there();
  message_ = std::move(loaded.front());
  range_ = {0, size_};
  if (!url_.section.empty()) {
    CO_TRY_VOID(co_await read_facts(deadline));
    const auto found = mime::section_range(facts_->tree, section_);
    if (!found) co_return fail(Errc::not_found, "no such part");
    range_ = *found;
    if (is_filtered()) {
      CO_TRY(const std::string header,
             co_await loader_.read(message_, range_.begin, range_.size(), deadline));
      fields_ = mime::filter_fields(header, section_.fields,
                                    section_.what == mime::Section::What::header_fields_not);
      range_ = {0, fields_.size()};
    }
  }
  if (url_.partial) {
    range_.begin += std::min(url_.partial->first, range_.size());
    if (url_.partial->second != 0) range_.end = range_.begin + std::min(url_.partial->second, range_.size());
  }
  co_return Result<void>{};
}

Task<Result<void>> UrlPart::read(Take take, Deadline deadline) {
  if (range_.size() > limit_) co_return fail(Errc::limit_exceeded, "the part is too large");
  if (is_filtered()) co_return take(std::string_view(fields_).substr(range_.begin, range_.size()));
  mime::Range left = range_;
  while (left.size() > 0) {
    const uint64_t piece = std::min(left.size(), MessageLoader::kPiece);
    CO_TRY(const std::string octets, co_await loader_.read(message_, left.begin, piece, deadline));
    if (octets.size() != piece)
      co_return fail(store::StoreErrc::blob_gone, "octets are not whole", Retry::temporary);
    CO_TRY_VOID(take(octets));
    left.begin += piece;
  }
  co_return Result<void>{};
}

Task<Result<std::optional<std::string>>> UrlPart::decoded(Deadline deadline) {
  std::string octets;
  std::optional<uint32_t> part;
  if (!section_.path.empty() && section_.what == mime::Section::What::all)
    part = mime::find_part(facts_->tree, section_.path);
  if (!part) {  // no encoding is on it
    CO_TRY_VOID(co_await read(
        [&](std::string_view piece) {
          octets += piece;
          return Result<void>{};
        },
        deadline));
    co_return octets;
  }
  if (size_ > limit_) co_return fail(Errc::limit_exceeded, "the part is too large");
  CO_TRY(const std::string raw, co_await loader_.read(message_, 0, std::max<uint64_t>(size_, 1), deadline));
  auto bytes = mime::decoded_part(raw, *facts_, *part);
  if (!bytes && bytes.error().is(Errc::invalid_argument)) co_return std::nullopt;
  if (!bytes) co_return fail(bytes.error());
  if (!url_.partial) co_return std::move(*bytes);
  const uint64_t from = std::min<uint64_t>(url_.partial->first, bytes->size());
  co_return bytes->substr(from, url_.partial->second == 0 ? std::string::npos : url_.partial->second);
}

Task<Result<std::string>> UrlPart::structure(const std::optional<std::string>& decoded, Deadline deadline) {
  Shape shape;
  if (decoded) shape.take(*decoded);
  if (const auto part = whole_part()) {
    std::optional<mime::DecodedShape> shown;
    if (decoded) shown = mime::DecodedShape{shape.encoding(), shape.size()};
    co_return mime::render_part(*facts_, *part, shown);
  }
  if (!decoded)
    CO_TRY_VOID(co_await read(
        [&](std::string_view piece) {
          shape.take(piece);
          return Result<void>{};
        },
        deadline));
  const std::string what = " NIL NIL NIL \"" + shape.encoding() + "\" " + std::to_string(shape.size());
  if (!url_.section.empty() || url_.partial)
    co_return "(\"application\" \"octet-stream\"" + what + " NIL NIL NIL NIL)";
  CO_TRY_VOID(co_await read_facts(deadline));
  co_return "(\"message\" \"rfc822\"" + what + ' ' + facts_->envelope + ' ' + facts_->bodystructure + ' ' +
      std::to_string(shape.lines()) + " NIL NIL NIL NIL)";
}

}  // namespace dromos::imapd
