// What imapd and dromos-extract say to each other over one socket, one document at a time. Numbers are
// little-endian. The helper begins with a greeting; then each request has one answer, in order.
//
//   greeting  "DXT1", u8 ready, u8 layers (kLayer...), u16 length, why it is not ready
//   request   u32 length of the document, u32 longest text, u32 milliseconds; the document
//   answer    u8 outcome, u8 flags (kAnswer...), u16 0, u32 length of the text; the text, clean UTF-8
//
// Answers come from a process that read a hostile document: the reader checks every number. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace dromos::extract {

inline constexpr std::string_view kMagic = "DXT1";
inline constexpr size_t kGreetingBytes = 8;
inline constexpr size_t kRequestBytes = 12;
inline constexpr size_t kAnswerBytes = 8;
inline constexpr uint32_t kMaxDocument = 256u << 20;
inline constexpr uint32_t kMaxText = 1u << 20;

/// What confines the helper (sandbox.h).
inline constexpr uint8_t kLayerLimits = 1, kLayerSeccomp = 2, kLayerLandlock = 4, kLayerNamespaces = 8;

enum class Outcome : uint8_t {
  text = 0,       ///< maybe none
  unknown = 1,    ///< no format it reads
  encrypted = 2,  ///< needs a password
  broken = 3,
  too_large = 4,  ///< beyond a limit, before any text was found
  last_ = too_large
};

inline constexpr uint8_t kAnswerCut = 1;   ///< there was more text, or more document
inline constexpr uint8_t kAnswerLast = 2;  ///< the helper ends now: start another

inline void put_u32(std::string& out, uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>(value >> shift & 0xFF);
}
inline uint32_t get_u32(std::string_view bytes, size_t at) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value |= uint32_t{static_cast<unsigned char>(bytes[at + i])} << (8 * i);
  return value;
}

struct Greeting {
  bool ready = false;
  uint8_t layers = 0;
  uint16_t reason_bytes = 0;
};
inline std::string greeting(bool ready, uint8_t layers, std::string_view reason) {
  reason = reason.substr(0, 1000);
  std::string out(kMagic);
  out += static_cast<char>(ready ? 1 : 0);
  out += static_cast<char>(layers);
  out += static_cast<char>(reason.size() & 0xFF);
  out += static_cast<char>(reason.size() >> 8);
  return out.append(reason);
}
/// Of kGreetingBytes; none if it is no greeting.
inline std::optional<Greeting> parse_greeting(std::string_view bytes) {
  if (bytes.size() != kGreetingBytes || !bytes.starts_with(kMagic)) return std::nullopt;
  Greeting out;
  out.ready = bytes[4] != 0;
  out.layers = static_cast<uint8_t>(bytes[5]);
  out.reason_bytes =
      static_cast<uint16_t>(static_cast<unsigned char>(bytes[6]) | static_cast<unsigned char>(bytes[7]) << 8);
  return out;
}

struct Request {
  uint32_t document_bytes = 0;
  uint32_t text_limit = 0;
  uint32_t milliseconds = 0;
};
inline std::string request(const Request& request) {
  std::string out;
  put_u32(out, request.document_bytes);
  put_u32(out, request.text_limit);
  put_u32(out, request.milliseconds);
  return out;
}
inline std::optional<Request> parse_request(std::string_view bytes) {
  if (bytes.size() != kRequestBytes) return std::nullopt;
  Request out{get_u32(bytes, 0), get_u32(bytes, 4), get_u32(bytes, 8)};
  if (out.document_bytes > kMaxDocument || out.text_limit > kMaxText) return std::nullopt;
  return out;
}

struct Answer {
  Outcome outcome = Outcome::text;
  uint8_t flags = 0;
  uint32_t text_bytes = 0;
};
inline std::string answer(const Answer& answer) {
  std::string out;
  out += static_cast<char>(answer.outcome);
  out += static_cast<char>(answer.flags);
  out.append(2, '\0');
  put_u32(out, answer.text_bytes);
  return out;
}
/// None: not an answer to a request for at most `text_limit` bytes.
inline std::optional<Answer> parse_answer(std::string_view bytes, uint32_t text_limit) {
  if (bytes.size() != kAnswerBytes || bytes[2] != 0 || bytes[3] != 0) return std::nullopt;
  if (static_cast<unsigned char>(bytes[0]) > static_cast<unsigned char>(Outcome::last_)) return std::nullopt;
  Answer out{static_cast<Outcome>(bytes[0]), static_cast<uint8_t>(bytes[1]), get_u32(bytes, 4)};
  if (out.text_bytes > text_limit) return std::nullopt;
  return out;
}

}  // namespace dromos::extract
