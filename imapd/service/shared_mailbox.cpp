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
  item.keyword_set = keywords_.intern(entry.keywords);
  return item;
}

NumberSet SharedMailbox::claim_recent(uint64_t uidnext) {
  const std::lock_guard lock(mutex_);
  if (uidnext <= recent_from_) return {};
  const auto first = static_cast<uint32_t>(recent_from_);
  recent_from_ = uidnext;
  return NumberSet{{first, static_cast<uint32_t>(uidnext - 1)}};
}

uint64_t SharedMailbox::recent_from() const {
  const std::lock_guard lock(mutex_);
  return recent_from_;
}

size_t SharedMailbox::memory() const {
  const std::lock_guard lock(mutex_);
  return sizeof *this + current_->memory() + keywords_.memory() + views_.memory();
}

VersionPtr SharedMailbox::current() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

VersionPtr SharedMailbox::current(const ReaderView& view) const {
  const std::lock_guard lock(mutex_);
  return ReaderViews::version(view, current_);
}

std::shared_ptr<ReaderView> SharedMailbox::view_of(AccountId reader) {
  const std::lock_guard lock(mutex_);
  return views_.of(reader, current_);
}

void SharedMailbox::publish(VersionPtr version) {
  ReaderViews::Held held;  // what dies does so outside the lock
  {
    const std::lock_guard lock(mutex_);
    current_.swap(version);
    held = views_.held();
    ReaderViews::follow(held, current_);
  }
  tell_watchers();
}

void SharedMailbox::tell_watchers() {
  std::vector<Reactor*> reactors;
  {
    const std::lock_guard lock(mutex_);
    for (const Watch& watch : watchers_)
      if (std::find(reactors.begin(), reactors.end(), watch.reactor) == reactors.end())
        reactors.push_back(watch.reactor);
  }
  for (Reactor* reactor : reactors) {
    if (reactor == &Reactor::current())
      tell_watchers_here();
    else
      reactor->post([self = shared_from_this()] { self->tell_watchers_here(); });
  }
}

// Watchers come and go on their own thread only, so those of this thread stay while we are here.
void SharedMailbox::tell_watchers_here() {
  std::vector<MailboxWatcher*> here;
  {
    const std::lock_guard lock(mutex_);
    for (const Watch& watch : watchers_)
      if (watch.reactor == &Reactor::current()) here.push_back(watch.watcher);
  }
  for (MailboxWatcher* watcher : here) watcher->mailbox_changed();
}

void SharedMailbox::watch(MailboxWatcher& watcher) {
  const std::lock_guard lock(mutex_);
  watchers_.push_back({&Reactor::current(), &watcher});
}

void SharedMailbox::unwatch(MailboxWatcher& watcher) {
  const std::lock_guard lock(mutex_);
  std::erase_if(watchers_, [&](const Watch& watch) { return watch.watcher == &watcher; });
}

bool SharedMailbox::watched() const {
  const std::lock_guard lock(mutex_);
  return !watchers_.empty();
}

/// The right to read, given back when it dies; those who wait are woken then.
class SharedMailbox::Reading {
 public:
  Reading(SharedMailbox& mailbox, uint64_t covers) : mailbox_(mailbox), covers_(covers) {}
  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;
  ~Reading() {
    std::vector<std::shared_ptr<Waiting>> waiting;
    {
      const std::lock_guard lock(mailbox_.mutex_);
      mailbox_.reading_ = false;
      if (succeeded_) mailbox_.covered_ = covers_;
      waiting.swap(mailbox_.waiting_);
    }
    for (auto& one : waiting) {
      Reactor& reactor = one->reactor;
      reactor.post([kept = std::move(one)] { kept->done.set(); });
    }
  }
  void succeeded() { succeeded_ = true; }

 private:
  SharedMailbox& mailbox_;
  const uint64_t covers_;
  bool succeeded_ = false;
};

Task<Result<void>> SharedMailbox::refresh(store::Mailboxes& mailboxes, store::Entries& entries,
                                          store::PrivateSeens& seens, Deadline deadline) {
  uint64_t ticket = 0;
  uint64_t covers = 0;
  while (covers == 0) {
    if (gone_) co_return fail(store::StoreErrc::not_found, "the mailbox was deleted");
    std::shared_ptr<Waiting> turn;
    {
      const std::lock_guard lock(mutex_);
      if (ticket == 0) ticket = ++asked_;
      if (covered_ >= ticket) co_return Result<void>{};
      if (reading_) {
        turn = std::make_shared<Waiting>(Reactor::current());
        waiting_.push_back(turn);
      } else {
        reading_ = true;
        covers = asked_;
      }
    }
    if (!turn) break;
    const Wake wake = co_await turn->done.wait(deadline);
    if (wake != Wake::ready) co_return fail(Errc::timeout, "waiting for a mailbox", Retry::timeout);
  }
  Reading reading(*this, covers);
  CO_TRY_VOID(co_await read(mailboxes, entries, seens, deadline));
  reading.succeeded();
  co_return Result<void>{};
}

void SharedMailbox::advance(int64_t before, const Step& step) {
  VersionPtr known;
  {
    const std::lock_guard lock(mutex_);
    if (reading_ || !loaded_ || current_->modseq() != before) return;
    reading_ = true;  // only who reads moves the version on
    known = current_;
  }
  const Reading turn(*this, 0);
  if (VersionPtr next = step(*known)) publish(std::move(next));
}

void SharedMailbox::arrived(int64_t before, std::span<const store::Entry> entries) {
  advance(before, [&](const MailboxVersion& version) {
    std::vector<MessageItem> items;
    for (const store::Entry& entry : entries) items.push_back(item_of(entry));
    return version.apply(items, {}, entries.back().modseq, uint64_t{entries.back().uid} + 1);
  });
}

Task<Result<void>> SharedMailbox::read(store::Mailboxes& mailboxes, store::Entries& entries,
                                       store::PrivateSeens& seens, Deadline deadline) {
  const VersionPtr before = current();
  if (loaded_) {
    CO_TRY_VOID(co_await follow(entries, deadline));
  } else {
    CO_TRY_VOID(co_await load(mailboxes, entries, deadline));
    loaded_ = true;
  }
  co_return co_await read_views(seens, current() != before, deadline);
}

/// Behind the entries: a change of a guest's \Seen moves the mailbox on, so that the next read finds what
/// this one has missed.
Task<Result<void>> SharedMailbox::read_views(store::PrivateSeens& seens, bool moved, Deadline deadline) {
  ReaderViews::Held held;
  {
    const std::lock_guard lock(mutex_);
    held = views_.held();
  }
  std::vector<AccountId> readers = ReaderViews::to_read(held, moved);
  if (readers.empty()) co_return Result<void>{};
  CO_TRY(const store::PrivateSeen state, co_await seens.get(account_, id_, std::move(readers), deadline));
  bool differs = false;
  for (const auto& view : held) {
    OverlayPtr overlay = SeenOverlay::make(state, view->reader);
    const std::lock_guard lock(mutex_);
    differs = ReaderViews::set(*view, std::move(overlay), current_) || differs;
  }
  if (differs) tell_watchers();
  co_return Result<void>{};
}

Task<Result<void>> SharedMailbox::load(store::Mailboxes& mailboxes, store::Entries& entries,
                                       Deadline deadline) {
  // State first: what changes while entries are read is read again by follow().
  CO_TRY(const store::Mailbox box, co_await mailboxes.get(account_, id_, deadline));
  CO_TRY(const auto names, co_await mailboxes.keywords(account_, id_, deadline));
  for (const std::string& name : names) keywords_.add_name(name);
  uidvalidity_ = box.uidvalidity;
  {
    const std::lock_guard lock(mutex_);
    recent_from_ = box.recent_from;
  }
  MailboxVersion::Builder builder;
  uint64_t uidnext = box.uidnext;
  auto on_entry = [&](const store::Entry& entry) {
    builder.add(item_of(entry));
    uidnext = std::max<uint64_t>(uidnext, uint64_t{entry.uid} + 1);
  };
  if (box.all.count > 0) CO_TRY_VOID(co_await entries.load(account_, id_, 1, UINT32_MAX, on_entry, deadline));
  publish(builder.finish(box.highestmodseq, uidnext));
  if (box.all.count > store::Entries::kSlice) CO_TRY_VOID(co_await follow(entries, deadline));
  co_return Result<void>{};
}

Task<Result<void>> SharedMailbox::follow(store::Entries& entries, Deadline deadline) {
  const VersionPtr before = current();  // only we move it on
  auto changes = co_await entries.changes_since(account_, id_, before->modseq(), deadline);
  if (!changes) co_return Unexpected(std::move(changes).error());
  if (changes->mailbox_gone) {
    gone_ = true;
    tell_watchers();
    co_return fail(store::StoreErrc::not_found, "the mailbox was deleted");
  }
  if (changes->highestmodseq <= before->modseq()) co_return Result<void>{};
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
  publish(before->apply(items, NumberSet(std::move(gone)), changes->highestmodseq, changes->uidnext));
  co_return Result<void>{};
}

}  // namespace dromos::imapd
