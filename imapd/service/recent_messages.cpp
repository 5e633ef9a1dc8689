#include "imapd/service/recent_messages.h"

#include <utility>

namespace dromos::imapd {
namespace {

constexpr microseconds kJustUsed = seconds(1);  // a FETCH pushes out what others wanted before that

size_t octets(const std::optional<std::string>& part) {
  return part ? part->capacity() : 0;
}

void add_part(std::optional<std::string>& to, std::optional<std::string>& part) {
  if (part) to = std::move(part);
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

void RecentMessages::add(const SharedMailbox& mailbox, uint32_t uid, RecentMessage parts) {
  const Key key = key_of(mailbox, uid);
  const auto known = find(key);
  auto next = std::make_shared<RecentMessage>(known ? *known : RecentMessage());
  next->id = parts.id;
  next->blob = parts.blob;
  if (parts.facts) next->thread = parts.thread;
  add_part(next->facts, parts.facts);
  if (parts.raw && parts.raw->size() <= kMaxRaw) add_part(next->raw, parts.raw);
  add_part(next->header, parts.header);
  if (next->through() > (known ? known->through() : 0)) put(key, std::move(next));
}

}  // namespace dromos::imapd
