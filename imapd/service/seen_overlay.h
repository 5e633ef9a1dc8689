// SeenOverlay: how a guest's view of a mailbox differs from its owner's where \Seen is each reader's own
// (common/store/private_seen.h): runs of uids whose \Seen he has changed, with the modseq of that. Immutable;
// a MailboxVersion lays it over its items as they are looked at, so a guest costs his runs, not the mailbox.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "common/store/private_seen.h"

namespace dromos::imapd {

struct MessageItem;

class SeenOverlay {
 public:
  struct Run {
    uint32_t first = 0;
    uint32_t last = 0;
    int64_t modseq = 0;
    bool seen = false;
    bool operator==(const Run&) const = default;
  };

  /// Of one reader. Null if \Seen never was private: what all see is what he sees.
  static std::shared_ptr<const SeenOverlay> make(const store::PrivateSeen& from, AccountId reader);
  /// With the runs of `uids` (ascending) out of `older`, where this one knows nothing of them.
  std::shared_ptr<const SeenOverlay> keeping(const std::vector<uint32_t>& uids,
                                             const SeenOverlay& older) const;

  bool is_private() const { return rule_ > 0; }
  void apply(MessageItem& item) const;
  /// Nothing between these uids looks different.
  static bool same(const SeenOverlay* one, const SeenOverlay* other, uint32_t first, uint32_t last);
  size_t memory() const { return sizeof *this + runs_.size() * sizeof(Run); }
  bool operator==(const SeenOverlay&) const = default;

 private:
  std::vector<Run>::const_iterator from(uint32_t uid) const;  // the first run that does not end before it
  int64_t rule_ = 0;
  std::vector<Run> runs_;  // ascending, apart
};
using OverlayPtr = std::shared_ptr<const SeenOverlay>;

}  // namespace dromos::imapd
