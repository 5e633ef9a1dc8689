// Modified UTF-7 of RFC 3501 §5.1.3: base64 of UTF-16 between "&" and "-", with "," for "/"; "&-" is "&".
#include <array>
#include <cstdint>

#include "common/base/strings.h"
#include "common/base/utf8.h"
#include "imapd/protocol/mailbox_name.h"

namespace dromos::imapd {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

constexpr std::array<int8_t, 256> make_values() {
  std::array<int8_t, 256> table{};
  table.fill(-1);
  for (size_t i = 0; i < kAlphabet.size(); ++i)
    table[static_cast<uint8_t>(kAlphabet[i])] = static_cast<int8_t>(i);
  return table;
}
constexpr std::array<int8_t, 256> kValues = make_values();

/// One run of base64, without its "&" and "-".
bool decode_run(std::string_view run, std::string& out) {
  uint32_t bits = 0;
  int count = 0;
  uint32_t high = 0;  // surrogate that waits for its second half
  for (const char c : run) {
    const int value = kValues[static_cast<uint8_t>(c)];
    if (value < 0) return false;
    bits = (bits << 6) | static_cast<uint32_t>(value);
    count += 6;
    if (count < 16) continue;
    count -= 16;
    const uint32_t unit = (bits >> count) & 0xffff;
    bits &= (1u << count) - 1;
    const bool is_high = unit >= 0xd800 && unit < 0xdc00;
    const bool is_low = unit >= 0xdc00 && unit < 0xe000;
    if ((high != 0) != is_low) return false;
    if (is_high) {
      high = unit;
    } else if (is_low) {
      append_utf8(out, 0x10000 + ((high - 0xd800) << 10) + (unit - 0xdc00));
      high = 0;
    } else {
      if (unit >= 0x20 && unit < 0x7f) return false;  // what is printable must stand for itself
      append_utf8(out, unit);
    }
  }
  return high == 0 && count < 6 && bits == 0;
}

}  // namespace

std::optional<std::string> utf7_to_utf8(std::string_view utf7) {
  std::string out;
  out.reserve(utf7.size());
  bool after_run = false;
  for (size_t i = 0; i < utf7.size();) {
    const char c = utf7[i];
    if (static_cast<uint8_t>(c) >= 0x80 || static_cast<uint8_t>(c) < 0x20 || c == 0x7f) return std::nullopt;
    if (c != '&') {
      out.push_back(c);
      after_run = false;
      ++i;
      continue;
    }
    const size_t end = utf7.find('-', i);
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view run = utf7.substr(i + 1, end - i - 1);
    if (run.empty()) {
      out.push_back('&');
      after_run = false;
    } else {
      // "&...-&...-" would be a second spelling of the same name.
      if (after_run || !decode_run(run, out)) return std::nullopt;
      after_run = true;
    }
    i = end + 1;
  }
  return out;
}

std::string utf8_to_utf7(std::string_view utf8) {
  std::string out;
  out.reserve(utf8.size());
  for (size_t i = 0; i < utf8.size();) {
    const auto c = static_cast<uint8_t>(utf8[i]);
    if (c >= 0x20 && c < 0x7f) {
      out.push_back(utf8[i++]);
      if (c == '&') out.push_back('-');
      continue;
    }
    out.push_back('&');
    uint32_t bits = 0;
    int count = 0;
    const auto put_unit = [&](uint32_t unit) {
      bits = (bits << 16) | unit;
      count += 16;
      while (count >= 6) {
        count -= 6;
        out.push_back(kAlphabet[(bits >> count) & 0x3f]);
      }
      bits &= (1u << count) - 1;
    };
    while (i < utf8.size()) {
      const auto next = static_cast<uint8_t>(utf8[i]);
      if (next >= 0x20 && next < 0x7f) break;
      const uint32_t point = next_character(utf8, i);
      if (point >= 0x10000) {
        put_unit(0xd800 + ((point - 0x10000) >> 10));
        put_unit(0xdc00 + ((point - 0x10000) & 0x3ff));
      } else {
        put_unit(point);
      }
    }
    if (count > 0) out.push_back(kAlphabet[(bits << (6 - count)) & 0x3f]);
    out.push_back('-');
  }
  return out;
}

}  // namespace dromos::imapd
