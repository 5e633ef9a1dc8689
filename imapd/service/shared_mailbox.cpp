#include "imapd/service/shared_mailbox.h"

#include <algorithm>

#include "common/store/errc.h"

namespace dromos::imapd {

MessageItem SharedMailbox::item_of(const store::Entry& entry) {
  MessageItem item;
  item.uid = entry.uid;
  item.size = static_cast<uint32_t>(std::min<int64_t>(entry.size, UINT32_MAX));
  item.modseq = entry.modseq;
  int64_t seconds = entry.received_us / 1'000'000;
  if (entry.received_us < 0 && entry.received_us % 1'000'000 != 0) --seconds;
  item.received = seconds;
  item.flags = static_cast<uint64_t>(entry.flags) & 31U;
  item.keyword_set = keywords_.intern(entry.keywords) & ((1U << 23) - 1);
  return item;
}

void SharedMailbox::publish(VersionPtr version) {
  current_ = std::move(version);
  for (MailboxWatcher* watcher : watchers_) watcher->mailbox_changed();
}

void SharedMailbox::unwatch(MailboxWatcher& watcher) {
  std::erase(watchers_, &watcher);
}

Task<Result<void>> SharedMailbox::refresh(store::Mailboxes& mailboxes, store::Entries& entries,
                                          Deadline deadline) {
  const uint64_t ticket = ++asked_;
  CO_TRY(const auto guard, co_await reading_.lock(deadline));
  if (gone_) co_return fail(store::StoreErrc::not_found, "the mailbox was deleted");
  if (covered_ >= ticket) co_return Result<void>{};
  const uint64_t covers = asked_;
  if (!loaded_) {
    CO_TRY_VOID(co_await load(mailboxes, entries, deadline));
    loaded_ = true;
  } else {
    CO_TRY_VOID(co_await follow(entries, deadline));
  }
  covered_ = covers;
  co_return Result<void>{};
}

Task<Result<void>> SharedMailbox::load(store::Mailboxes& mailboxes, store::Entries& entries,
                                       Deadline deadline) {
  // State first: what changes while entries are read is read again by follow().
  CO_TRY(const store::Mailbox box, co_await mailboxes.get(account_, id_, deadline));
  CO_TRY(const auto names, co_await mailboxes.keywords(account_, id_, deadline));
  for (const std::string& name : names) keywords_.add_name(name);
  uidvalidity_ = box.uidvalidity;
  MailboxVersion::Builder builder;
  uint64_t uidnext = box.uidnext;
  auto on_entry = [&](const store::Entry& entry) {
    builder.add(item_of(entry));
    uidnext = std::max<uint64_t>(uidnext, uint64_t{entry.uid} + 1);
  };
  if (box.all.count > 0) CO_TRY_VOID(co_await entries.load(account_, id_, 1, UINT32_MAX, on_entry, deadline));
  current_ = builder.finish(box.highestmodseq, uidnext);
  if (box.all.count > store::Entries::kSlice) CO_TRY_VOID(co_await follow(entries, deadline));
  co_return Result<void>{};
}

Task<Result<void>> SharedMailbox::follow(store::Entries& entries, Deadline deadline) {
  auto changes = co_await entries.changes_since(account_, id_, current_->modseq(), deadline);
  if (!changes) co_return Unexpected(std::move(changes).error());
  if (changes->mailbox_gone) {
    gone_ = true;
    publish(current_);
    co_return fail(store::StoreErrc::not_found, "the mailbox was deleted");
  }
  if (changes->highestmodseq <= current_->modseq()) co_return Result<void>{};
  if (changes->expunged_unknown) {
    // Longer asleep than the changelog reaches back: read it all anew.
    MailboxVersion::Builder builder;
    auto on_entry = [&](const store::Entry& entry) { builder.add(item_of(entry)); };
    CO_TRY_VOID(co_await entries.load(account_, id_, 1, UINT32_MAX, on_entry, deadline));
    publish(builder.finish(changes->highestmodseq, changes->uidnext));
    co_return Result<void>{};
  }
  std::vector<MessageItem> items;
  items.reserve(changes->changed.size());
  for (const store::Entry& entry : changes->changed) items.push_back(item_of(entry));
  std::vector<NumberRange> gone;
  for (const auto& range : changes->expunged.ranges()) gone.push_back({range.first, range.last});
  publish(current_->apply(items, NumberSet(std::move(gone)), changes->highestmodseq, changes->uidnext));
  co_return Result<void>{};
}

}  // namespace dromos::imapd
