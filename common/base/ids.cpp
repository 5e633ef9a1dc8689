#include "common/base/ids.h"

#include <sys/random.h>

#include "common/base/assert.h"
#include "common/base/clock.h"
#include "common/base/strings.h"

namespace dromos {
namespace {

constexpr char kAlphabet[] = "abcdefghijklmnopqrstuvwxyz234567";

std::string with_letter(char letter, std::string_view bytes) {
  return letter + base32(bytes);
}

std::string_view view(const Uuid& id) {
  return {reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()};
}

// Integers are written big-endian without leading zero bytes, so early ids stay short.
std::string int_text(char letter, int64_t value) {
  char bytes[8];
  for (int i = 0; i < 8; ++i) bytes[i] = static_cast<char>(static_cast<uint64_t>(value) >> (56 - 8 * i));
  size_t skip = 0;
  while (skip < 7 && bytes[skip] == 0) ++skip;
  return with_letter(letter, {bytes + skip, 8 - skip});
}

std::optional<int64_t> parse_int(char letter, std::string_view text) {
  if (text.empty() || text[0] != letter) return std::nullopt;
  auto bytes = unbase32(text.substr(1));
  if (!bytes || bytes->empty() || bytes->size() > 8) return std::nullopt;
  uint64_t value = 0;
  for (unsigned char c : *bytes) value = value << 8 | c;
  if (value == 0 || value > INT64_MAX || int_text(letter, static_cast<int64_t>(value)) != text)
    return std::nullopt;
  return static_cast<int64_t>(value);
}

std::optional<Uuid> parse_uuid(char letter, std::string_view text) {
  if (text.empty() || text[0] != letter) return std::nullopt;
  auto bytes = unbase32(text.substr(1));
  if (!bytes || bytes->size() != 16) return std::nullopt;
  Uuid id;
  std::memcpy(id.bytes.data(), bytes->data(), 16);
  return id;
}

template <class Id, class Parsed>
std::optional<Id> wrap(Parsed parsed) {
  if (!parsed) return std::nullopt;
  return Id{*parsed};
}

}  // namespace

std::string base32(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() * 8 + 4) / 5);
  uint32_t bits = 0;
  int count = 0;
  for (unsigned char c : bytes) {
    bits = bits << 8 | c;
    count += 8;
    while (count >= 5) {
      count -= 5;
      out += kAlphabet[bits >> count & 31];
    }
  }
  if (count > 0) out += kAlphabet[bits << (5 - count) & 31];
  return out;
}

std::optional<std::string> unbase32(std::string_view text) {
  std::string out;
  uint32_t bits = 0;
  int count = 0;
  for (char c : text) {
    int v;
    if (c >= 'a' && c <= 'z')
      v = c - 'a';
    else if (c >= '2' && c <= '7')
      v = c - '2' + 26;
    else
      return std::nullopt;
    bits = bits << 5 | static_cast<uint32_t>(v);
    count += 5;
    if (count >= 8) {
      count -= 8;
      out += static_cast<char>(bits >> count & 255);
    }
  }
  if (count >= 5 || (bits & ((1u << count) - 1)) != 0) return std::nullopt;  // one text per value
  return out;
}

int64_t Uuid::unix_ms() const {
  int64_t ms = 0;
  for (int i = 0; i < 6; ++i) ms = ms << 8 | bytes[static_cast<size_t>(i)];
  return ms;
}

std::string Uuid::to_string() const {
  const std::string digits = hex(view(*this));
  return digits.substr(0, 8) + '-' + digits.substr(8, 4) + '-' + digits.substr(12, 4) + '-' +
         digits.substr(16, 4) + '-' + digits.substr(20);
}

std::optional<Uuid> Uuid::parse(std::string_view text) {
  if (text.size() != 36 || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-')
    return std::nullopt;
  std::string digits;
  for (char c : text)
    if (c != '-') digits += c;
  auto bytes = unhex(digits);
  if (!bytes || bytes->size() != 16) return std::nullopt;
  Uuid id;
  std::memcpy(id.bytes.data(), bytes->data(), 16);
  return id;
}

Uuid Uuid::v7() {
  // Random bits are drawn in blocks: a system call per id would show in the delivery path.
  thread_local uint8_t pool[640];
  thread_local size_t used = sizeof pool;
  thread_local int64_t last_ms = 0;
  thread_local uint16_t sequence = 0;
  if (used + 10 > sizeof pool) {
    size_t got = 0;
    while (got < sizeof pool) {
      const ssize_t n = getrandom(pool + got, sizeof pool - got, 0);
      if (n > 0) got += static_cast<size_t>(n);
    }
    used = 0;
  }
  Uuid id;
  std::memcpy(id.bytes.data() + 6, pool + used, 10);
  used += 10;
  int64_t ms = Clock::now_us() / 1000;
  if (ms <= last_ms) {
    ms = last_ms;  // same millisecond, or the clock stepped back: 12 bits of sequence keep the order
    if (++sequence > 0xfff) {
      sequence = 0;
      ++ms;
    }
  } else {
    sequence = static_cast<uint16_t>((id.bytes[6] << 8 | id.bytes[7]) & 0x7ff);
  }
  last_ms = ms;
  for (int i = 0; i < 6; ++i) id.bytes[static_cast<size_t>(i)] = static_cast<uint8_t>(ms >> (40 - 8 * i));
  id.bytes[6] = static_cast<uint8_t>(0x70 | sequence >> 8);
  id.bytes[7] = static_cast<uint8_t>(sequence);
  id.bytes[8] = static_cast<uint8_t>(0x80 | (id.bytes[8] & 0x3f));
  return id;
}

std::string to_text(AccountId id) {
  return int_text('A', id.value);
}
std::string to_text(MailboxId id) {
  return int_text('P', id.value);
}
std::string to_text(MessageId id) {
  return with_letter('M', view(id.value));
}
std::string to_text(ThreadId id) {
  return with_letter('T', view(id.value));
}
std::string to_text(QueueId id) {
  return with_letter('Q', view(id.value));
}
std::string to_text(TraceId id) {
  return with_letter('X', view(id.value));
}
std::optional<AccountId> parse_account_id(std::string_view text) {
  return wrap<AccountId>(parse_int('A', text));
}
std::optional<MailboxId> parse_mailbox_id(std::string_view text) {
  return wrap<MailboxId>(parse_int('P', text));
}
std::optional<MessageId> parse_message_id(std::string_view text) {
  return wrap<MessageId>(parse_uuid('M', text));
}
std::optional<ThreadId> parse_thread_id(std::string_view text) {
  return wrap<ThreadId>(parse_uuid('T', text));
}
std::optional<QueueId> parse_queue_id(std::string_view text) {
  return wrap<QueueId>(parse_uuid('Q', text));
}
std::optional<TraceId> parse_trace_id(std::string_view text) {
  return wrap<TraceId>(parse_uuid('X', text));
}

}  // namespace dromos
