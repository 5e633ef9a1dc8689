// Arguments of APPEND (RFC 9051 §6.3.12, MULTIAPPEND RFC 3502, CATENATE RFC 4469, BINARY RFC 3516, UTF8 RFC
// 6855) and REPLACE (RFC 8508).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "imapd/protocol/date.h"
#include "imapd/protocol/flags.h"

namespace dromos::imapd {

/// Message octets. Streamed by the reader as its `stream`-th streamed literal, or small and kept in `data`.
struct LiteralData {
  uint64_t size = 0;
  bool binary = false;
  std::optional<uint32_t> stream;
  std::string data;
};

struct AppendPart {
  enum class Kind { text, url };
  Kind kind = Kind::text;
  std::string url;
  LiteralData literal;
};

struct AppendMessage {
  FlagSet flags;
  std::optional<DateTime> date;
  bool utf8 = false;
  bool catenate = false;          // else exactly one text part
  std::vector<AppendPart> parts;  // in order
};
/// What one APPEND stores. The parser takes one more, so that the answer can be MESSAGELIMIT (RFC 9738 §3.1).
inline constexpr size_t kMaxAppendMessages = 1000;
inline constexpr size_t kMaxCatenateParts = 1000;

struct AppendCommand {
  std::string mailbox;
  std::vector<AppendMessage> messages;
};

struct ReplaceCommand {
  uint32_t number = 0;  // UID for UID REPLACE; `*` is kLast
  static constexpr uint32_t kLast = 0;
  std::string mailbox;
  AppendMessage message;
};

}  // namespace dromos::imapd
