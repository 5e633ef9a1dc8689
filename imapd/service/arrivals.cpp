#include "imapd/service/arrivals.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "imapd/service/message_loader.h"

namespace dromos::imapd {
namespace {

struct Arrival {
  const store::LocalTarget* target;
  const store::NewMessage* message;
  const store::TargetResult* result;
};
using Arrivals = std::map<std::pair<AccountId, MailboxId>, std::vector<Arrival>>;

Arrivals by_mailbox(std::span<const store::Stored> stored) {
  Arrivals all;
  for (const auto& [delivery, result] : stored) {
    for (size_t i = 0; i < result.targets.size(); ++i) {
      const store::TargetResult& one = result.targets[i];
      if (one.outcome != store::Outcome::stored || one.before == 0) continue;
      const store::LocalTarget& target = delivery.targets[i];
      all[{one.account, one.mailbox}].push_back({&target, &delivery.messages[target.message], &one});
    }
  }
  for (auto& [place, list] : all)
    std::sort(list.begin(), list.end(),
              [](const Arrival& a, const Arrival& b) { return a.result->uid < b.result->uid; });
  return all;
}

store::Entry entry_of(const Arrival& arrival) {
  store::Entry entry;
  entry.uid = arrival.result->uid;
  entry.flags = arrival.target->flags.flags;
  entry.modseq = arrival.result->modseq;
  entry.size = static_cast<int64_t>(arrival.result->size);
  entry.received_us = arrival.message->received_us;
  entry.keywords = arrival.target->flags.keywords;
  // As mail.keywords_of has it.
  std::sort(entry.keywords.begin(), entry.keywords.end());
  entry.keywords.erase(std::unique(entry.keywords.begin(), entry.keywords.end()), entry.keywords.end());
  return entry;
}

void keep(RecentMessages& recent, const SharedMailbox& mailbox, const Arrival& arrival) {
  const store::NewMessage& message = *arrival.message;
  if (message.raw.empty() || message.raw.size() > RecentMessages::kMaxRaw) return;
  RecentParts parts{
      arrival.result->id, arrival.result->thread, arrival.result->blob, message.facts, message.raw, {}};
  const std::string_view header = std::string_view(message.raw).substr(0, message.header_size);
  if (is_header(header)) parts.header = header;
  recent.add(mailbox, arrival.result->uid, parts);
}

}  // namespace

void take_arrivals(MailboxCache& mailboxes, RecentMessages& recent, std::span<const store::Stored> stored) {
  for (const auto& [place, list] : by_mailbox(stored)) {
    const auto mailbox = mailboxes.held(place.first, place.second);
    if (!mailbox) continue;
    std::vector<store::Entry> entries;
    for (const Arrival& arrival : list) entries.push_back(entry_of(arrival));
    mailbox->arrived(list.front().result->before, entries);
    mailboxes.charge(*mailbox);
    for (const Arrival& arrival : list) keep(recent, *mailbox, arrival);
  }
}

}  // namespace dromos::imapd
