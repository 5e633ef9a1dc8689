// Ids as distinct types, and their text forms (a letter and base32; DESIGN: `A` account, `P` mailbox, `M`
// message, `T` thread).
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace dromos {

template <class Tag>
struct IntId {
  int64_t value = 0;
  auto operator<=>(const IntId&) const = default;
  explicit operator bool() const { return value != 0; }
};

using AccountId = IntId<struct AccountTag>;
using MailboxId = IntId<struct MailboxTag>;
using DomainId = IntId<struct DomainTag>;

/// 16 bytes, big-endian as in text. Version 7 (RFC 9562 §5.7): sorts by creation time.
struct Uuid {
  std::array<uint8_t, 16> bytes{};
  auto operator<=>(const Uuid&) const = default;
  bool is_nil() const { return *this == Uuid{}; }
  /// Milliseconds since 1970 for a version 7 UUID.
  int64_t unix_ms() const;
  /// 8-4-4-4-12 lower-case hex.
  std::string to_string() const;
  static std::optional<Uuid> parse(std::string_view text);
  /// New version 7 UUID from the process's clock and id source; thread-safe, monotonic within a thread.
  static Uuid v7();
};

template <class Tag>
struct UuidId {
  Uuid value;
  auto operator<=>(const UuidId&) const = default;
  bool is_nil() const { return value.is_nil(); }
  static UuidId make() { return {Uuid::v7()}; }
};

using MessageId = UuidId<struct MessageTag>;
using ThreadId = UuidId<struct ThreadTag>;
using QueueId = UuidId<struct QueueTag>;
using TraceId = UuidId<struct TraceTag>;
/// Names one delivery attempt group for idempotence: made before the first try, kept across retries.
using DeliveryId = UuidId<struct DeliveryTag>;

/// RFC 4648 §6 base32, lower case without padding.
std::string base32(std::string_view bytes);
std::optional<std::string> unbase32(std::string_view text);

std::string to_text(AccountId id);
std::string to_text(MailboxId id);
std::string to_text(MessageId id);
std::string to_text(ThreadId id);
std::string to_text(QueueId id);
std::string to_text(TraceId id);
std::optional<AccountId> parse_account_id(std::string_view text);
std::optional<MailboxId> parse_mailbox_id(std::string_view text);
std::optional<MessageId> parse_message_id(std::string_view text);
std::optional<ThreadId> parse_thread_id(std::string_view text);
std::optional<QueueId> parse_queue_id(std::string_view text);
std::optional<TraceId> parse_trace_id(std::string_view text);

}  // namespace dromos

template <class Tag>
struct std::hash<dromos::IntId<Tag>> {
  size_t operator()(dromos::IntId<Tag> id) const noexcept { return std::hash<int64_t>{}(id.value); }
};
template <>
struct std::hash<dromos::Uuid> {
  size_t operator()(const dromos::Uuid& id) const noexcept {
    uint64_t low;
    std::memcpy(&low, id.bytes.data() + 8, 8);  // the random half
    return low;
  }
};
template <class Tag>
struct std::hash<dromos::UuidId<Tag>> {
  size_t operator()(const dromos::UuidId<Tag>& id) const noexcept {
    return std::hash<dromos::Uuid>{}(id.value);
  }
};
