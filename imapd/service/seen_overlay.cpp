#include "imapd/service/seen_overlay.h"

#include <algorithm>
#include <cstdlib>

#include "imapd/protocol/flags.h"
#include "imapd/service/mailbox_version.h"

namespace dromos::imapd {

OverlayPtr SeenOverlay::make(const store::PrivateSeen& from, AccountId reader) {
  if (from.rule == 0) return nullptr;
  auto made = std::make_shared<SeenOverlay>();
  made->rule_ = from.rule;
  for (const store::PrivateSeen::Row& row : from.rows) {
    if (row.reader != reader) continue;
    auto seen = row.seen.ranges().begin();
    for (const auto& range : row.changed.ranges()) {
      uint32_t at = range.first;
      // Ranges of `seen` lie within those of `changed`.
      for (; seen != row.seen.ranges().end() && seen->first <= range.last; ++seen) {
        if (at < seen->first) made->runs_.push_back({at, seen->first - 1, row.modseq, false});
        made->runs_.push_back({seen->first, seen->last, row.modseq, true});
        at = seen->last + 1;
      }
      if (at <= range.last && at != 0) made->runs_.push_back({at, range.last, row.modseq, false});
    }
  }
  std::sort(made->runs_.begin(), made->runs_.end(),
            [](const Run& a, const Run& b) { return a.first < b.first; });
  return made;
}

std::vector<SeenOverlay::Run>::const_iterator SeenOverlay::from(uint32_t uid) const {
  return std::lower_bound(runs_.begin(), runs_.end(), uid,
                          [](const Run& run, uint32_t wanted) { return run.last < wanted; });
}

OverlayPtr SeenOverlay::keeping(const std::vector<uint32_t>& uids, const SeenOverlay& older) const {
  auto made = std::make_shared<SeenOverlay>(*this);
  for (const uint32_t uid : uids) {
    const auto known = from(uid);
    if (known != runs_.end() && known->first <= uid) continue;
    const auto was = older.from(uid);
    if (was != older.runs_.end() && was->first <= uid)
      made->runs_.push_back({uid, uid, was->modseq, was->seen});
  }
  std::sort(made->runs_.begin(), made->runs_.end(),
            [](const Run& a, const Run& b) { return a.first < b.first; });
  return made;
}

void SeenOverlay::apply(MessageItem& item) const {
  item.modseq = std::max(item.modseq, std::abs(rule_));
  if (rule_ <= 0) return;
  const auto run = from(item.uid);
  const bool mine = run != runs_.end() && run->first <= item.uid;
  if (mine) item.modseq = std::max(item.modseq, run->modseq);
  if (mine && run->seen)
    item.flags |= uint64_t{kFlagSeen};
  else
    item.flags &= 31U & ~uint64_t{kFlagSeen};
}

bool SeenOverlay::same(const SeenOverlay* one, const SeenOverlay* other, uint32_t first, uint32_t last) {
  if (one == other) return true;
  if (one == nullptr || other == nullptr || one->rule_ != other->rule_) return false;
  auto a = one->from(first);
  auto b = other->from(first);
  while (a != one->runs_.end() && a->first <= last && b != other->runs_.end() && b->first <= last) {
    if (*a != *b) return false;
    ++a;
    ++b;
  }
  return (a == one->runs_.end() || a->first > last) && (b == other->runs_.end() || b->first > last);
}

}  // namespace dromos::imapd
