#include "common/rpc/wire.h"

#include <algorithm>
#include <array>
#include <utility>

#include "common/base/strings.h"

namespace dromos::rpc {
namespace {

constexpr size_t kPrefix = 5;
constexpr int64_t kMaxTimeoutDigits = 99'999'999;
constexpr std::array<std::pair<char, int64_t>, 5> kUnits = {
    {{'u', 1}, {'m', 1'000}, {'S', 1'000'000}, {'M', 60'000'000}, {'H', 3'600'000'000}}};

}  // namespace

std::string framed(std::string_view message) {
  const auto size = static_cast<uint32_t>(message.size());
  std::string out;
  out.reserve(kPrefix + message.size());
  out += '\0';
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(size >> shift & 255);
  out += message;
  return out;
}

Result<std::optional<std::string>> MessageReader::next() {
  if (pending() < kPrefix) return std::nullopt;
  const auto byte = [this](size_t i) { return static_cast<unsigned char>(buffer_[at_ + i]); };
  if (byte(0) != 0) return fail(Errc::invalid_argument, "compressed messages are not taken");
  const size_t size = static_cast<size_t>(byte(1)) << 24 | static_cast<size_t>(byte(2)) << 16 |
                      static_cast<size_t>(byte(3)) << 8 | byte(4);
  if (size > max_)
    return fail(Errc::limit_exceeded,
                "message of " + std::to_string(size) + " bytes is longer than " + std::to_string(max_));
  if (pending() - kPrefix < size) return std::nullopt;
  std::string message = buffer_.substr(at_ + kPrefix, size);
  at_ += kPrefix + size;
  if (at_ == buffer_.size()) {
    buffer_.clear();
    at_ = 0;
  }
  return message;
}

std::string timeout_text(microseconds timeout) {
  const int64_t us = std::max<int64_t>(timeout.count(), 0);
  for (const auto& [unit, length] : kUnits)
    if (us / length <= kMaxTimeoutDigits) return std::to_string(us / length) + unit;
  return std::to_string(kMaxTimeoutDigits) + "H";
}

std::optional<microseconds> parse_timeout(std::string_view text) {
  if (text.size() < 2 || text.size() > 9) return std::nullopt;
  const auto number = parse_number<uint32_t>(text.substr(0, text.size() - 1));
  if (!number) return std::nullopt;
  if (text.back() == 'n') return microseconds(*number / 1000);
  for (const auto& [unit, length] : kUnits)
    if (unit == text.back()) return microseconds(*number * length);
  return std::nullopt;
}

std::string percent_encoded(std::string_view text) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (c >= 0x20 && c < 0x7f && c != '%') {
      out += c;
    } else {
      out += '%';
      out += kHex[static_cast<unsigned char>(c) >> 4];
      out += kHex[static_cast<unsigned char>(c) & 15];
    }
  }
  return out;
}

std::string percent_decoded(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = text[i] == '%' && text.size() - i > 2 ? unhex(text.substr(i + 1, 2)) : std::nullopt;
    if (byte) {
      out += *byte;
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace dromos::rpc
