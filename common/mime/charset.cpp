#include "common/mime/charset.h"

#include <unicode/ucasemap.h>
#include <unicode/ucnv.h>
#include <unicode/ustring.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "common/base/strings.h"

namespace dromos::mime {
namespace {

constexpr size_t kMaxCharsetName = 64;
constexpr size_t kCachedConverters = 8;

// Bytes 0x80-0x9f of windows-1252 (the rest equals ISO 8859-1).
constexpr std::array<uint16_t, 32> kWindows1252 = {
    0x20ac, 0xfffd, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
    0x2039, 0x0152, 0xfffd, 0x017d, 0xfffd, 0xfffd, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
    0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0xfffd, 0x017e, 0x0178};

enum class Known { utf8, latin1, icu };

// What mail means by a name, where that differs from the registry: supersets, as browsers do.
constexpr std::pair<std::string_view, std::string_view> kAliases[] = {
    {"gb2312", "gb18030"},
    {"gbk", "gb18030"},
    {"cp936", "gb18030"},
    {"ks_c_5601-1987", "windows-949"},
    {"euc-kr", "windows-949"},
    {"shift_jis", "ibm-943_P15A-2003"},
    {"x-sjis", "ibm-943_P15A-2003"},
    {"iso-8859-8-i", "iso-8859-8"},
    {"iso-8859-9", "windows-1254"},
    {"iso-8859-11", "windows-874"},
    {"tis-620", "windows-874"},
    {"unicode-1-1-utf-7", "utf-7"},
    {"x-gbk", "gb18030"},
    {"x-mac-roman", "macintosh"},
    {"iso-2022-jp", "iso-2022-jp-2"},
    {"_iso-2022-jp", "iso-2022-jp-2"},
};

Known classify(std::string_view name, std::string& normal) {
  normal = to_lower(trim(name).substr(0, kMaxCharsetName));
  if (normal.empty() || normal == "utf-8" || normal == "utf8" || normal == "us-ascii" || normal == "ascii" ||
      normal == "ansi_x3.4-1968" || normal == "unknown-8bit" || normal == "x-unknown" || normal == "utf-8n" ||
      normal == "646" || normal == "default_charset")
    return Known::utf8;
  if (normal == "iso-8859-1" || normal == "windows-1252" || normal == "latin1" || normal == "cp1252" ||
      normal == "iso8859-1" || normal == "iso_8859-1" || normal == "l1")
    return Known::latin1;
  for (const auto& [alias, target] : kAliases)
    if (normal == alias) {
      normal = target;
      break;
    }
  return Known::icu;
}

struct Converters {
  std::vector<std::pair<std::string, UConverter*>> list;
  ~Converters() {
    for (auto& entry : list)
      if (entry.second != nullptr) ucnv_close(entry.second);
  }
  // Null for unknown names; those are remembered too, as opening is slow.
  UConverter* get(const std::string& name) {
    for (size_t i = 0; i < list.size(); ++i)
      if (list[i].first == name) {
        if (i > 0) std::swap(list[i], list[i - 1]);
        return list[i == 0 ? 0 : i - 1].second;
      }
    UErrorCode error = U_ZERO_ERROR;
    UConverter* converter = ucnv_open(name.c_str(), &error);
    if (U_FAILURE(error)) converter = nullptr;
    if (list.size() >= kCachedConverters) {
      if (list.back().second != nullptr) ucnv_close(list.back().second);
      list.pop_back();
    }
    list.emplace_back(name, converter);
    return converter;
  }
};

Converters& converters() {
  thread_local Converters cache;
  return cache;
}

void append_code_point(std::string& out, uint32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xc0 | c >> 6);
    out += static_cast<char>(0x80 | (c & 63));
  } else {
    out += static_cast<char>(0xe0 | c >> 12);
    out += static_cast<char>(0x80 | (c >> 6 & 63));
    out += static_cast<char>(0x80 | (c & 63));
  }
}

std::string from_windows1252(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() + bytes.size() / 8);
  for (const char ch : bytes) {
    const auto c = static_cast<unsigned char>(ch);
    append_code_point(out, c == 0 ? 0xfffd : c >= 0x80 && c < 0xa0 ? kWindows1252[c - 0x80] : c);
  }
  return out;
}

std::string to_utf8_by_icu(std::string_view bytes, UConverter* converter) {
  UErrorCode error = U_ZERO_ERROR;
  ucnv_reset(converter);
  std::u16string wide(bytes.size() + 16, u'\0');
  int32_t length = ucnv_toUChars(converter, wide.data(), static_cast<int32_t>(wide.size()), bytes.data(),
                                 static_cast<int32_t>(bytes.size()), &error);
  if (error == U_BUFFER_OVERFLOW_ERROR) {
    wide.resize(static_cast<size_t>(length) + 1);
    error = U_ZERO_ERROR;
    ucnv_reset(converter);
    length = ucnv_toUChars(converter, wide.data(), static_cast<int32_t>(wide.size()), bytes.data(),
                           static_cast<int32_t>(bytes.size()), &error);
  }
  if (U_FAILURE(error)) return clean_utf8(bytes);
  std::string out(static_cast<size_t>(length) * 3 + 1, '\0');
  int32_t written = 0;
  u_strToUTF8WithSub(out.data(), static_cast<int32_t>(out.size()), &written, wide.data(), length, 0xfffd,
                     nullptr, &error);
  if (U_FAILURE(error)) return clean_utf8(bytes);
  out.resize(static_cast<size_t>(written));
  return out.find('\0') == std::string::npos ? out : clean_utf8(out);
}

constexpr size_t kMaxConverted = size_t{256} << 20;  // ICU counts in int32

}  // namespace

std::string to_utf8(std::string_view bytes, std::string_view charset) {
  bytes = bytes.substr(0, kMaxConverted);
  std::string name;
  const Known known = classify(charset, name);
  if (known == Known::icu) {
    if (UConverter* converter = converters().get(name)) return to_utf8_by_icu(bytes, converter);
  }
  if (known != Known::latin1 && is_utf8(bytes)) return clean_utf8(bytes);
  if (known == Known::utf8 && iequals(trim(charset), "utf-8")) return clean_utf8(bytes);
  return from_windows1252(bytes);
}

bool charset_known(std::string_view charset) {
  std::string name;
  return classify(charset, name) != Known::icu || converters().get(name) != nullptr;
}

std::string from_utf8(std::string_view utf8, std::string_view charset, bool* lossy) {
  if (lossy != nullptr) *lossy = false;
  std::string name;
  if (classify(charset, name) == Known::utf8) return std::string(utf8);
  UConverter* converter = converters().get(name);
  if (converter == nullptr) {
    if (lossy != nullptr) *lossy = true;
    return std::string(utf8);
  }
  utf8 = utf8.substr(0, kMaxConverted);
  UErrorCode error = U_ZERO_ERROR;
  std::u16string wide(utf8.size() + 1, u'\0');
  int32_t length = 0;
  u_strFromUTF8WithSub(wide.data(), static_cast<int32_t>(wide.size()), &length, utf8.data(),
                       static_cast<int32_t>(utf8.size()), 0xfffd, nullptr, &error);
  ucnv_reset(converter);
  std::string out(static_cast<size_t>(UCNV_GET_MAX_BYTES_FOR_STRING(length, ucnv_getMaxCharSize(converter))),
                  '\0');
  const int32_t written =
      ucnv_fromUChars(converter, out.data(), static_cast<int32_t>(out.size()), wide.data(), length, &error);
  if (U_FAILURE(error)) {
    if (lossy != nullptr) *lossy = true;
    return std::string(utf8);
  }
  out.resize(static_cast<size_t>(written));
  if (lossy != nullptr) *lossy = to_utf8_by_icu(out, converter) != utf8;
  return out;
}

namespace {

struct CaseMap {
  UCaseMap* map = nullptr;
  CaseMap() {
    UErrorCode error = U_ZERO_ERROR;
    map = ucasemap_open("", U_FOLD_CASE_DEFAULT, &error);
    if (U_FAILURE(error)) map = nullptr;
  }
  ~CaseMap() {
    if (map != nullptr) ucasemap_close(map);
  }
};

void append_folded_by_icu(std::string& out, std::string_view text) {
  thread_local CaseMap folder;
  const size_t start = out.size();
  // No character grows beyond three times its UTF-8 length.
  const size_t room = text.size() * 3 + 16;
  UErrorCode error = U_ZERO_ERROR;
  if (folder.map != nullptr && room < kMaxConverted) {
    out.resize(start + room);
    const int32_t written = ucasemap_utf8FoldCase(folder.map, out.data() + start, static_cast<int32_t>(room),
                                                  text.data(), static_cast<int32_t>(text.size()), &error);
    if (U_SUCCESS(error)) {
      out.resize(start + static_cast<size_t>(written));
      return;
    }
  }
  out.resize(start);
  out.append(text);
}

void append_lower(std::string& out, std::string_view ascii) {
  const size_t at = out.size();
  out.resize(at + ascii.size());
  std::transform(ascii.begin(), ascii.end(), out.data() + at, ascii_lower);
}

}  // namespace

void append_folded(std::string& out, std::string_view utf8) {
  if (is_ascii(utf8)) return append_lower(out, utf8);
  size_t i = 0;
  while (i < utf8.size()) {
    size_t end = i;
    while (end < utf8.size() && static_cast<unsigned char>(utf8[end]) < 0x80) ++end;
    append_lower(out, utf8.substr(i, end - i));
    if (end == utf8.size()) return;
    // A run of other scripts, spaces and punctuation between its words included.
    i = end;
    size_t ascii = 0;
    while (end < utf8.size() && ascii < 8) {
      ascii = static_cast<unsigned char>(utf8[end]) < 0x80 ? ascii + 1 : 0;
      ++end;
    }
    append_folded_by_icu(out, utf8.substr(i, end - i));
    i = end;
  }
}

std::string fold_case(std::string_view utf8) {
  std::string out;
  out.reserve(utf8.size());
  append_folded(out, utf8);
  return out;
}

std::string_view utf8_prefix(std::string_view utf8, size_t bytes) {
  if (utf8.size() <= bytes) return utf8;
  while (bytes > 0 && (static_cast<unsigned char>(utf8[bytes]) & 0xc0) == 0x80) --bytes;
  return utf8.substr(0, bytes);
}

}  // namespace dromos::mime
