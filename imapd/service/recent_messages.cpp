#include "imapd/service/recent_messages.h"

#include <utility>

namespace dromos::imapd {
namespace {

constexpr microseconds kJustUsed = seconds(1);  // a FETCH pushes out what others wanted before that

size_t octets(const std::optional<std::string>& part) {
  return part ? part->capacity() : 0;
}

bool is_new(const std::optional<std::string_view>& part, const std::optional<std::string>& kept) {
  return part && !kept;
}

void add_part(std::optional<std::string>& to, const std::optional<std::string_view>& part) {
  if (is_new(part, to)) to.emplace(*part);
}

}  // namespace

size_t RecentMessage::memory() const {
  constexpr size_t kOfCache = 200;  // its places in the list and the map
  return sizeof *this + kOfCache + octets(facts) + octets(raw) + octets(header);
}

RecentMessages::RecentMessages(size_t budget)
    : ChunkCache(budget,
                 metrics::gauge("dromos_imapd_recent_messages_bytes",
                                "Memory of messages that were fetched a moment ago."),
                 kJustUsed) {}

std::shared_ptr<const RecentMessage> RecentMessages::of(const SharedMailbox& mailbox, uint32_t uid) {
  if (mailbox.current()->number_of(uid) == 0) return nullptr;
  return find(key_of(mailbox, uid));
}

void RecentMessages::add(const SharedMailbox& mailbox, uint32_t uid, const RecentParts& parts) {
  static const RecentMessage nothing;
  const Key key = key_of(mailbox, uid);
  const auto known = find(key);
  const RecentMessage& before = known ? *known : nothing;
  const bool raw = is_new(parts.raw, before.raw) && parts.raw->size() <= kMaxRaw;
  if (!raw && !is_new(parts.facts, before.facts) && !is_new(parts.header, before.header)) return;
  auto next = std::make_shared<RecentMessage>(before);
  next->id = parts.id;
  next->blob = parts.blob;
  if (parts.facts) next->thread = parts.thread;
  add_part(next->facts, parts.facts);
  if (raw) add_part(next->raw, parts.raw);
  add_part(next->header, parts.header);
  put(key, std::move(next));
}

}  // namespace dromos::imapd
