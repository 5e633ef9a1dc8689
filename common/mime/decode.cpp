// Transfer decoders: base64, quoted-printable, uuencode.
#include <array>

#include "common/base/strings.h"
#include "common/mime/encodings.h"

namespace dromos::mime {
namespace {

constexpr size_t kMaxPendingBlanks = 1000;  // of a quoted-printable line; RFC 2045 allows 76 characters
constexpr size_t kMaxUuLine = 256;

constexpr std::array<int8_t, 256> digits64() {
  std::array<int8_t, 256> table{};
  table.fill(-1);
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < kAlphabet.size(); ++i)
    table[static_cast<unsigned char>(kAlphabet[i])] = static_cast<int8_t>(i);
  return table;
}
constexpr auto kDigits = digits64();

int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  const char l = ascii_lower(c);
  return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

}  // namespace

Encoding encoding_of(std::string_view name) {
  name = trim(name);
  if (name.empty() || iequals(name, "7bit") || iequals(name, "8bit") || iequals(name, "binary"))
    return Encoding::identity;
  if (iequals(name, "base64")) return Encoding::base64;
  if (iequals(name, "quoted-printable")) return Encoding::quoted_printable;
  if (iequals(name, "x-uuencode") || iequals(name, "x-uue") || iequals(name, "uuencode"))
    return Encoding::uuencode;
  return Encoding::unknown;
}

void Decoder::feed(std::string_view chunk, std::string& out) {
  switch (encoding_) {
    case Encoding::base64:
      return base64(chunk, out);
    case Encoding::quoted_printable:
      return quoted_printable(chunk, out);
    case Encoding::uuencode:
      return uuencode(chunk, out);
    case Encoding::identity:
    case Encoding::unknown:
      out.append(chunk);
  }
}

void Decoder::base64(std::string_view chunk, std::string& out) {
  if (ended_) return;
  size_t i = 0;
  const auto* data = reinterpret_cast<const unsigned char*>(chunk.data());
  out.reserve(out.size() + chunk.size() / 4 * 3 + 3);
  while (i < chunk.size()) {
    while (count_ == 0 && i + 4 <= chunk.size()) {  // four clean characters at a time
      const int a = kDigits[data[i]], b = kDigits[data[i + 1]], c = kDigits[data[i + 2]],
                d = kDigits[data[i + 3]];
      if ((a | b | c | d) < 0) break;
      const uint32_t v = static_cast<uint32_t>(a << 18 | b << 12 | c << 6 | d);
      const char three[3] = {static_cast<char>(v >> 16), static_cast<char>(v >> 8), static_cast<char>(v)};
      out.append(three, 3);
      i += 4;
    }
    if (i >= chunk.size()) break;
    const unsigned char c = data[i++];
    const int v = kDigits[c];
    if (v >= 0) {
      bits_ = bits_ << 6 | static_cast<uint32_t>(v);
      if (++count_ == 4) {
        for (const int shift : {16, 8, 0}) out += static_cast<char>(bits_ >> shift & 255);
        bits_ = 0;
        count_ = 0;
      }
    } else if (c == '=') {  // padding; concatenated base64 goes on behind it
      if (count_ == 2) out += static_cast<char>(bits_ >> 4 & 255);
      if (count_ == 3) {
        out += static_cast<char>(bits_ >> 10 & 255);
        out += static_cast<char>(bits_ >> 2 & 255);
      }
      if (count_ == 1) damaged_ = true;
      bits_ = 0;
      count_ = 0;
    } else if (!is_space(static_cast<char>(c))) {
      damaged_ = true;
    }
  }
}

// pending_ holds what cannot be decided yet: an "=" sequence, or blanks that may be trailing.
void Decoder::quoted_printable(std::string_view chunk, std::string& out) {
  for (size_t i = 0; i < chunk.size();) {
    if (pending_.empty()) {
      size_t end = i;
      while (end < chunk.size() && chunk[end] != '=' && chunk[end] != ' ' && chunk[end] != '\t' &&
             chunk[end] != '\r')
        ++end;
      out.append(chunk.substr(i, end - i));
      i = end;
      if (i == chunk.size()) return;
      pending_ += chunk[i++];
      continue;
    }
    const char c = chunk[i];
    if (pending_[0] == '=') {
      const bool blanks = pending_.size() > 1 && is_space(pending_[1]);
      if (c == '\n' && (pending_.size() == 1 || blanks)) {  // soft line break, blanks before it too
        pending_.clear();
        ++i;
      } else if ((pending_.size() == 1 || (blanks && pending_.back() != '\r')) &&
                 (c == ' ' || c == '\t' || c == '\r') && pending_.size() < kMaxPendingBlanks) {
        pending_ += c;
        ++i;
      } else if (pending_.size() == 1 && hex_digit(c) >= 0) {
        pending_ += c;
        ++i;
      } else if (pending_.size() == 2 && !blanks && hex_digit(c) >= 0) {
        out += static_cast<char>(hex_digit(pending_[1]) * 16 + hex_digit(c));
        pending_.clear();
        ++i;
      } else {  // not an escape: keep the characters
        damaged_ = true;
        out += '=';
        const std::string rest = pending_.substr(1);
        pending_.clear();
        out += rest;
      }
      continue;
    }
    // Blanks and CR: dropped before a line break (RFC 2045 §6.7 rule 3), kept elsewhere.
    if (c == '\n') {
      qp_line_end(out);
      ++i;
    } else if ((c == ' ' || c == '\t' || c == '\r') && pending_.back() != '\r' &&
               pending_.size() < kMaxPendingBlanks) {
      pending_ += c;
      ++i;
    } else {
      out += pending_;
      pending_.clear();
    }
  }
}

void Decoder::qp_line_end(std::string& out) {
  if (pending_.ends_with('\r')) out += '\r';
  out += '\n';
  pending_.clear();
}

void Decoder::uuencode(std::string_view chunk, std::string& out) {
  for (const char c : chunk) {
    if (c == '\n') {
      uu_line(out);
      pending_.clear();
    } else if (pending_.size() < kMaxUuLine) {
      pending_ += c;
    }
  }
}

void Decoder::uu_line(std::string& out) {
  std::string_view line = pending_;
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (!begun_) {
    begun_ = line.starts_with("begin ");
    return;
  }
  if (ended_ || line.empty() || line == "end" || line[0] == '`' || line[0] == ' ') {
    ended_ = ended_ || line == "end";
    return;
  }
  const auto value = [&](size_t i) {
    return i < line.size() ? static_cast<uint32_t>((line[i] - ' ') & 63) : uint32_t{0};
  };
  size_t left = value(0);
  for (size_t i = 1; left > 0 && i < line.size(); i += 4) {
    const uint32_t v = value(i) << 18 | value(i + 1) << 12 | value(i + 2) << 6 | value(i + 3);
    for (int shift = 16; shift >= 0 && left > 0; shift -= 8, --left)
      out += static_cast<char>(v >> shift & 255);
  }
}

void Decoder::finish(std::string& out) {
  if (encoding_ == Encoding::base64) {
    if (count_ == 2) out += static_cast<char>(bits_ >> 4 & 255);
    if (count_ == 3) {
      out += static_cast<char>(bits_ >> 10 & 255);
      out += static_cast<char>(bits_ >> 2 & 255);
    }
    damaged_ = damaged_ || count_ != 0;
  } else if (encoding_ == Encoding::quoted_printable && !pending_.empty()) {
    if (pending_[0] == '=' && pending_.size() > 1 && !is_space(pending_[1])) {
      out += pending_;
      damaged_ = true;
    } else if (pending_[0] == '\r') {
      out += pending_;
    }
  } else if (encoding_ == Encoding::uuencode && !pending_.empty()) {
    uu_line(out);
  }
  pending_.clear();
  count_ = 0;
}

std::string decode(Encoding encoding, std::string_view bytes, bool* damaged) {
  std::string out;
  out.reserve(bytes.size());
  Decoder decoder(encoding);
  decoder.feed(bytes, out);
  decoder.finish(out);
  if (damaged != nullptr) *damaged = decoder.damaged();
  return out;
}

}  // namespace dromos::mime
