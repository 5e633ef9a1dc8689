// ReaderViews: a mailbox as its guests see it, where \Seen is of one's own (seen_overlay.h). A part of
// SharedMailbox, under its lock: not thread-safe.
#pragma once

#include <memory>
#include <vector>

#include "common/base/ids.h"
#include "common/store/private_seen.h"
#include "imapd/service/mailbox_version.h"

namespace dromos::imapd {

/// A mailbox as one guest sees it, shared by his sessions; SharedMailbox keeps it up to date.
struct ReaderView {
  AccountId reader;
  OverlayPtr overlay;
  VersionPtr version;
  bool loaded = false;
};

class ReaderViews {
 public:
  /// All that somebody holds; may be used without the lock to keep them, not to read them.
  using Held = std::vector<std::shared_ptr<ReaderView>>;
  Held held();
  std::shared_ptr<ReaderView> of(AccountId reader, const VersionPtr& current);
  size_t memory() const;

  static VersionPtr version(const ReaderView& view, const VersionPtr& current) {
    return view.overlay ? view.version : current;
  }
  /// The mailbox has moved on.
  static void follow(const Held& held, const VersionPtr& current);
  /// True if the guest sees the mailbox differently now.
  static bool set(ReaderView& view, OverlayPtr overlay, const VersionPtr& current);

  /// Whose \Seen is to be read: that of all if it was not read of one, or is old since the mailbox has
  /// `moved`. For who reads the store alone; needs no lock.
  static std::vector<AccountId> to_read(const Held& held, bool moved);

 private:
  std::vector<std::weak_ptr<ReaderView>> views_;
};

}  // namespace dromos::imapd
