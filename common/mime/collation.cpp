#include "common/mime/collation.h"

#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>
#include <unicode/utf16.h>

#include <cstring>
#include <vector>

#include "common/base/strings.h"
#include "common/base/utf8.h"

namespace dromos::mime {
namespace {

const UNormalizer2* decomposer() {
  static const UNormalizer2* instance = [] {
    UErrorCode error = U_ZERO_ERROR;
    const UNormalizer2* made = unorm2_getNFKDInstance(&error);
    return U_SUCCESS(error) ? made : nullptr;
  }();
  return instance;
}

/// Calls `use` for each character that `c` is made of. False: `c` stays as it is.
template <class Use>
bool each_part(UChar32 c, Use use) {
  constexpr int32_t kLongest = 64;  // U+FDFA takes 18
  UChar units[kLongest];
  UErrorCode error = U_ZERO_ERROR;
  const UNormalizer2* normalizer = decomposer();
  if (normalizer == nullptr) return false;
  const int32_t count = unorm2_getDecomposition(normalizer, c, units, kLongest, &error);
  if (count < 0 || U_FAILURE(error)) return false;
  for (int32_t i = 0; i < count;) {
    UChar32 part = 0;
    U16_NEXT(units, i, count, part);
    use(part);
  }
  return true;
}

bool append_decomposed(std::string& out, UChar32 c) {
  return each_part(c, [&out](UChar32 part) { append_utf8(out, static_cast<char32_t>(part)); });
}

/// As ICU has characters.
UChar32 next_point(std::string_view text, size_t& at) {
  return static_cast<UChar32>(next_character(text, at));
}

/// One bit for each character of the basic plane: it has a decomposition.
bool decomposes(UChar32 c) {
  static const std::vector<bool> basic = [] {
    std::vector<bool> bits(0x10000);
    std::string scratch;
    for (UChar32 c = 0x80; c < 0x10000; ++c) bits[static_cast<size_t>(c)] = append_decomposed(scratch, c);
    return bits;
  }();
  std::string scratch;
  return c < 0x10000 ? basic[static_cast<size_t>(c)] : append_decomposed(scratch, c);
}

}  // namespace

void append_casemap(std::string& out, std::string_view utf8) {
  for (size_t i = 0; i < utf8.size();) {
    const char byte = utf8[i];
    if (static_cast<unsigned char>(byte) < 0x80) {
      out += byte >= 'a' && byte <= 'z' ? static_cast<char>(byte - 'a' + 'A') : byte;
      ++i;
      continue;
    }
    const UChar32 title = u_totitle(next_point(utf8, i));
    if (title < 0x80 || !decomposes(title) || !append_decomposed(out, title))
      append_utf8(out, static_cast<char32_t>(title));
  }
}

std::string casemap_key(std::string_view utf8) {
  std::string out;
  out.reserve(utf8.size());
  append_casemap(out, utf8);
  return out;
}

namespace {

/// Where the run of ASCII from `at` on ends. Most text is that: eight at once.
size_t end_of_ascii(std::string_view text, size_t at) {
  for (; at + 8 <= text.size(); at += 8) {
    uint64_t eight = 0;
    std::memcpy(&eight, text.data() + at, 8);
    if ((eight & 0x8080808080808080) != 0) break;
  }
  while (at < text.size() && static_cast<unsigned char>(text[at]) < 0x80) ++at;
  return at;
}

/// Offset of the next character from `at` on that decomposes; npos: none.
size_t next_decomposable(std::string_view text, size_t at) {
  for (at = end_of_ascii(text, at); at < text.size(); at = end_of_ascii(text, at)) {
    size_t next = at;
    if (const UChar32 c = next_point(text, next); c == 0x131 || decomposes(c)) return at;
    at = next;
  }
  return std::string_view::npos;
}

bool holds(std::string_view text, std::string_view needle) {
  // An empty view may have no address, which memmem must not be given.
  return text.empty() ? needle.empty()
                      : memmem(text.data(), text.size(), needle.data(), needle.size()) != nullptr;
}

bool continues_character(char byte) {
  return (static_cast<unsigned char>(byte) & 0xc0) == 0x80;
}

}  // namespace

bool has_decompositions(std::string_view folded) {
  return next_decomposable(folded, 0) != std::string_view::npos;
}

CasemapNeedle::CasemapNeedle(std::string folded)
    : folded_(std::move(folded)), decomposed_(decompose_folded(folded_)) {}

// What is found only decomposed lies around a character of the text that decomposes: only there the text is
// taken apart. A character of at most four octets gives one at least.
bool CasemapNeedle::in(std::string_view text) const {
  if (folded_.empty() || holds(text, folded_)) return true;
  if (decomposed_ != folded_ && holds(text, decomposed_)) return true;
  const size_t reach = decomposed_.size() * 4 + 4;
  size_t at = next_decomposable(text, 0);
  while (at != std::string_view::npos) {
    size_t begin = at > reach ? at - reach : 0;
    while (begin > 0 && continues_character(text[begin])) --begin;
    // As far as such characters stand close together.
    size_t end = std::min(at + reach, text.size());
    size_t next = next_decomposable(text, at + 1);
    while (next < end) {
      end = std::min(next + reach, text.size());
      next = next_decomposable(text, next + 1);
    }
    while (end < text.size() && continues_character(text[end])) ++end;
    if (holds(decompose_folded(text.substr(begin, end - begin)), decomposed_)) return true;
    at = next;
  }
  return false;
}

namespace {

/// Parts may be capitals that folding did not see (the trade mark sign's); the dotless i has the titlecase of
/// the other.
char32_t folded_part(UChar32 c) {
  return c == 0x131 ? U'i' : static_cast<char32_t>(u_foldCase(c, U_FOLD_CASE_DEFAULT));
}

}  // namespace

std::string decompose_folded(std::string_view folded) {
  std::string out;
  out.reserve(folded.size() + 16);
  for (size_t i = 0; i < folded.size();) {
    const size_t end = end_of_ascii(folded, i);
    out.append(folded, i, end - i);
    i = end;
    if (i == folded.size()) break;
    const auto append = [&out](UChar32 part) { append_utf8(out, folded_part(part)); };
    const UChar32 c = next_point(folded, i);
    if (!decomposes(c) || !each_part(c, append)) append(c);
  }
  return out;
}

namespace {

/// Empty: it could not be done.
std::u16string to_utf16(std::string_view text) {
  std::u16string units(text.size(), u'\0');  // never more units than octets
  int32_t length = 0;
  UErrorCode error = U_ZERO_ERROR;
  u_strFromUTF8WithSub(units.data(), static_cast<int32_t>(units.size()), &length, text.data(),
                       static_cast<int32_t>(text.size()), 0xFFFD, nullptr, &error);
  units.resize(U_SUCCESS(error) ? static_cast<size_t>(length) : 0);
  return units;
}

}  // namespace

std::string compose(std::string_view decomposed) {
  if (is_ascii(decomposed)) return std::string(decomposed);
  UErrorCode error = U_ZERO_ERROR;
  const UNormalizer2* composer = unorm2_getNFCInstance(&error);
  const std::u16string units = to_utf16(decomposed);
  std::u16string composed(units.size(), u'\0');  // what is decomposed only gets shorter, but for a few: kept
  if (U_FAILURE(error) || units.empty()) return std::string(decomposed);
  const int32_t length = unorm2_normalize(composer, units.data(), static_cast<int32_t>(units.size()),
                                          composed.data(), static_cast<int32_t>(composed.size()), &error);
  if (U_FAILURE(error)) return std::string(decomposed);
  std::string out;
  for (int32_t i = 0; i < length;) {
    UChar32 c = 0;
    U16_NEXT(composed.data(), i, length, c);
    append_utf8(out, static_cast<char32_t>(c));
  }
  return out;
}

}  // namespace dromos::mime
