#include "imapd/commands/notify.h"

#include <algorithm>
#include <set>

#include "common/log/log.h"
#include "imapd/commands/handlers.h"
#include "imapd/commands/live_search.h"
#include "imapd/commands/mailbox_names.h"
#include "imapd/commands/metadata_watch.h"
#include "imapd/protocol/mailbox_name.h"

namespace dromos::imapd {
namespace {

using Event = NotifyCommand::Event;

constexpr uint16_t kMessageEvents = Event::kMessageNew | Event::kMessageExpunge | Event::kFlagChange;
constexpr uint16_t kMetadataEvents = Event::kMailboxMetadataChange | Event::kServerMetadataChange;
constexpr uint16_t kOffered =
    kMessageEvents | Event::kMailboxName | Event::kSubscriptionChange | kMetadataEvents;
constexpr std::string_view kEventNames =
    "MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange MailboxMetadataChange "
    "ServerMetadataChange";

}  // namespace

Notify::Notify(Context& context, Wishes wishes)
    : context_(context),
      wishes_(std::move(wishes)),
      accounts_(context.worker.options.accounts, context),
      sharing_(context.worker.options.accounts, context) {}

uint16_t Notify::events_of(const NamedMailbox& named) const {
  uint16_t events = 0;
  for (const Group& group : wishes_.others)
    if (covers(group.filter, context_.account(), named)) events |= group.events;
  if (!named.may(store::kRead)) events &= static_cast<uint16_t>(~kMessageEvents);
  return events;
}

bool Notify::is_selected(const Key& key) const {
  if (!context_.selected) return false;
  const SharedMailbox& mailbox = *context_.selected->mailbox;
  return mailbox.account() == key.first && mailbox.id() == key.second;
}

Task<Result<Notify::Picture>> Notify::look() {
  Picture picture;
  if (wishes_.others.empty()) co_return picture;
  CO_TRY(auto all, co_await visible_mailboxes(context_.worker, context_.account(), store::kLookup,
                                              context_.store_deadline()));
  if (all.size() > kMaxMailboxes) co_return fail(Errc::limit_exceeded, "too many mailboxes to watch");
  for (NamedMailbox& named : all) {
    const uint16_t events = events_of(named);
    const Key key{named.account, named.mailbox.id};
    picture.emplace(key, Known{std::move(named), events});
  }
  co_return picture;
}

void Notify::watch(const Picture& picture) {
  if (wishes_.others.empty()) return;
  accounts_.add(context_.account());
  sharing_.add(kSharing);
  for (const auto& [key, known] : picture)
    if (known.events != 0) accounts_.add(key.first);
}

Task<Result<void>> Notify::begin(bool with_status) {
  // Watched first: what changes while it is read is looked at again.
  watch({});
  accounts_.take_moved();
  sharing_.take_moved();
  CO_TRY(Picture picture, co_await look());
  watch(picture);
  for (const auto& [key, known] : picture) {
    const bool refused = !known.named.may(store::kRead) &&
                         std::any_of(wishes_.others.begin(), wishes_.others.end(), [&](const Group& group) {
                           return (group.events & kMessageEvents) != 0 &&
                                  covers(group.filter, context_.account(), known.named);
                         });
    if (refused) context_.out.untagged().raw("LIST (\\NoAccess) \"/\" ").mailbox(known.named.name).crlf();
    if (!with_status || is_selected(key) || (known.events & kMessageEvents) == 0) continue;
    uint16_t items = kStatusMessages | kStatusUidNext | kStatusUidValidity;
    if ((known.events & Event::kFlagChange) != 0) items |= kStatusHighestModseq;
    write_status(context_, known.named.mailbox, known.named.name, items);
  }
  remember(std::move(picture));
  co_return Result<void>{};
}

void Notify::remember(Picture picture) {
  known_ = std::move(picture);
  foreign_ = false;
  // Subscribing to a mailbox of another moves nothing of one's own.
  const bool by_subscription =
      std::any_of(wishes_.others.begin(), wishes_.others.end(),
                  [](const Group& group) { return group.filter.kind == MailboxFilter::Kind::subscribed; });
  for (const auto& [key, known] : known_) {
    const store::Mailbox& box = known.named.mailbox;
    if (key.first == context_.account())
      own_modseq_ = std::max({own_modseq_, box.highestmodseq, box.modseq});
    else
      foreign_ = foreign_ || known.events != 0 || by_subscription;
  }
}

Task<Result<bool>> Notify::tell_moved() {
  if (foreign_) co_return false;
  const AccountId own = context_.account();
  CO_TRY(const auto moved,
         co_await context_.worker.mailboxes.moved(own, own_modseq_, context_.store_deadline()));
  own_modseq_ = std::max(own_modseq_, moved.modseq);
  const bool all_known =
      std::all_of(moved.mailboxes.begin(), moved.mailboxes.end(),
                  [&](const store::Mailbox& box) { return known_.contains({own, box.id}); });
  if (moved.names || !all_known) co_return false;
  for (const store::Mailbox& box : moved.mailboxes) {
    Known& known = known_.at({own, box.id});
    const Known before = known;
    known.named.mailbox = box;
    if (!is_selected({own, box.id})) tell_messages(before, known);
  }
  co_return true;
}

Task<Result<void>> Notify::tell_others() {
  if (wishes_.others.empty()) co_return Result<void>{};
  const bool shared = sharing_.take_moved();
  if (!accounts_.take_moved() && !shared) co_return Result<void>{};
  auto told = co_await tell_news(shared);
  if (!told) sharing_.look_again();
  co_return told;
}

Task<Result<void>> Notify::tell_news(bool shared) {
  if (!shared) {
    CO_TRY(const bool done, co_await tell_moved());
    if (done) co_return Result<void>{};
  }
  CO_TRY(Picture now, co_await look());
  watch(now);
  tell_names(now);
  for (const auto& [key, after] : now) {
    const auto before = known_.find(key);
    if (before != known_.end() && !is_selected(key)) tell_messages(before->second, after);
  }
  remember(std::move(now));
  co_return Result<void>{};
}

void Notify::tell_messages(const Known& before, const Known& after) {
  if ((after.events & kMessageEvents) == 0) return;
  const store::Mailbox& old = before.named.mailbox;
  const store::Mailbox& box = after.named.mailbox;
  uint16_t items = 0;
  if (old.uidnext != box.uidnext || old.all.count != box.all.count) {
    items = kStatusMessages | kStatusUidNext;
    if (context_.enabled.condstore) items |= kStatusHighestModseq;
  }
  const bool unseen = old.all.count - old.all.seen != box.all.count - box.all.seen;
  if ((after.events & Event::kFlagChange) != 0 && old.highestmodseq != box.highestmodseq) {
    if (unseen) items |= kStatusUnseen | kStatusUidValidity;
    if (context_.enabled.condstore) items |= kStatusHighestModseq | kStatusUidValidity;
  }
  if (old.uidvalidity != box.uidvalidity) items |= kStatusUidValidity;
  if (items != 0) write_status(context_, box, after.named.name, items);
}

void Notify::write_list(const Picture& picture, const NamedMailbox& named, std::string_view old_name) {
  const bool children = std::any_of(picture.begin(), picture.end(), [&](const auto& other) {
    return is_below(other.second.named.name, named.name);
  });
  Writer& out = context_.out;
  out.untagged().raw("LIST (").raw(children ? "\\HasChildren" : "\\HasNoChildren");
  if (named.mailbox.subscribed) out.raw(" \\Subscribed");
  out.raw(") \"/\" ").mailbox(named.name);
  if (!old_name.empty()) out.raw(" (\"OLDNAME\" (").mailbox(old_name).raw("))");
  out.crlf();
}

void Notify::write_gone(const std::string& name) {
  context_.out.untagged().raw("LIST (\\NonExistent) \"/\" ").mailbox(name).crlf();
}

void Notify::tell_name(const Picture& now, const Key& key, const Known& known) {
  const bool names = (known.events & Event::kMailboxName) != 0;
  const bool subscriptions = (known.events & Event::kSubscriptionChange) != 0;
  const auto at = known_.find(key);
  if (at == known_.end()) {
    if (names || (subscriptions && known.named.mailbox.subscribed)) write_list(now, known.named, {});
    return;
  }
  const NamedMailbox& old = at->second.named;
  if (names && old.name != known.named.name) {
    // Children that were renamed with their parent are not told (RFC 5465 §5.4).
    const auto parent = now.find({key.first, known.named.mailbox.parent});
    const auto old_parent = known_.find({key.first, known.named.mailbox.parent});
    const bool moved_along = parent != now.end() && old_parent != known_.end() &&
                             old.mailbox.parent == known.named.mailbox.parent &&
                             old.mailbox.name == known.named.mailbox.name;
    if (!moved_along) write_list(now, known.named, old.name);
  } else if ((subscriptions || (at->second.events & Event::kSubscriptionChange) != 0) &&
             old.mailbox.subscribed != known.named.mailbox.subscribed) {
    write_list(now, known.named, {});
  }
}

void Notify::tell_names(const Picture& now) {
  std::set<std::string_view> parents;  // of what came and went: affected, too
  for (const auto& [key, known] : known_) {
    if (now.contains(key) || (known.events & Event::kMailboxName) == 0) continue;
    write_gone(known.named.name);
    parents.insert(name_above(known.named.name));
  }
  for (const auto& [key, known] : now) {
    tell_name(now, key, known);
    if (!known_.contains(key) && (known.events & Event::kMailboxName) != 0)
      parents.insert(name_above(known.named.name));
  }
  for (const auto& [key, known] : now)
    if (known_.contains(key) && (known.events & Event::kMailboxName) != 0 &&
        parents.contains(known.named.name))
      write_list(now, known.named, {});
}

namespace {

Result<Notify::Wishes> wishes_of(const Context& context, const NotifyCommand& command) {
  Notify::Wishes wishes;
  for (const NotifyCommand::Group& group : command.groups) {
    using Kind = MailboxFilter::Kind;
    if (group.filter.kind == Kind::selected || group.filter.kind == Kind::selected_delayed) {
      wishes.selected = group.events;
      wishes.delayed = group.filter.kind == Kind::selected_delayed;
      wishes.fetch = group.fetch;
      continue;
    }
    const auto others = static_cast<uint16_t>(group.events & ~kMetadataEvents);
    if (others != 0) wishes.others.push_back({decoded(context, group.filter), others});
  }
  // Every FETCH of new messages names them by UID, whatever was asked for.
  const bool uid = std::any_of(wishes.fetch.begin(), wishes.fetch.end(),
                               [](const FetchItem& item) { return item.kind == FetchItem::Kind::uid; });
  if (!wishes.fetch.empty() && !uid) {
    FetchItem item;
    item.kind = FetchItem::Kind::uid;
    wishes.fetch.insert(wishes.fetch.begin(), std::move(item));
  }
  return wishes;
}

MetadataWatch::Wishes metadata_wishes_of(const Context& context, const NotifyCommand& command) {
  MetadataWatch::Wishes wishes;
  for (const NotifyCommand::Group& group : command.groups) {
    wishes.server |= (group.events & Event::kServerMetadataChange) != 0;
    if ((group.events & Event::kMailboxMetadataChange) != 0)
      wishes.mailboxes.push_back(decoded(context, group.filter));
  }
  return wishes;
}

}  // namespace

Handled handle_notify(Context& context, const Command& command) {
  const auto& notify = command.as<NotifyCommand>();
  for (const NotifyCommand::Group& group : notify.groups)
    if (!group.unknown_events.empty() || (group.events & ~kOffered) != 0)
      co_return no("BADEVENT (" + std::string(kEventNames) + ")", "Not all of these events are offered");
  CO_TRY(auto wishes, wishes_of(context, notify));
  // NOTIFY SET implies a NOOP: what has accumulated is told before the new wishes hold.
  if (!notify.none && context.selected) {
    CO_TRY_VOID(
        co_await context.worker.registry.refresh(*context.selected->mailbox, context.store_deadline()));
    sync(context, Expunges::tell);
  }
  auto next = std::make_unique<Notify>(context, std::move(wishes));
  auto begun = co_await next->begin(notify.status);
  if (begun) begun = co_await watch_metadata(context, metadata_wishes_of(context, notify));
  if (!begun && begun.error().is(Errc::limit_exceeded))
    co_return no(code::kNotificationOverflow, "Too many mailboxes to watch");
  CO_TRY_VOID(begun);
  context.notify = std::move(next);
  co_return ok("Notify completed");
}

namespace {

/// The selected mailbox as the session's wishes have it.
Task<Result<void>> tell_selected(Context& context, Expunges expunges, bool waiting) {
  const Notify::Wishes& wishes = context.notify->wishes();
  if ((wishes.selected & kMessageEvents) == 0) co_return Result<void>{};
  if (waiting && wishes.delayed) expunges = Expunges::hold;
  const uint32_t added = sync(context, expunges, (wishes.selected & Event::kFlagChange) != 0);
  if (added == 0 || wishes.fetch.empty()) co_return Result<void>{};
  std::vector<uint32_t> numbers;
  const uint32_t size = context.selected->seen->size();
  for (uint32_t number = size - added + 1; number <= size; ++number) numbers.push_back(number);
  co_return co_await fetch_messages(context, wishes.fetch, std::move(numbers));
}

}  // namespace

namespace {

Task<void> tell_mailboxes(Context& context, Expunges expunges, bool waiting) {
  if (!context.notify) {
    if (context.selected && !waiting) sync(context, expunges);
    co_return;
  }
  Result<void> told;
  if (context.selected) told = co_await tell_selected(context, expunges, waiting);
  if (told) told = co_await context.notify->tell_others();
  if (told) co_return;
  if (!told.error().is(Errc::limit_exceeded)) {  // the next command or change tries again
    log::warn("notify.failed", {{"trace", context.trace}, {"err", told.error()}});
    co_return;
  }
  context.out.untagged_status(Status::ok, code::kNotificationOverflow, "Too many mailboxes to watch");
  context.notify = std::make_unique<Notify>(context, Notify::Wishes{});
}

}  // namespace

Task<void> tell_news(Context& context, Expunges expunges, bool waiting) {
  co_await tell_mailboxes(context, expunges, waiting);
  co_await tell_metadata(context);
  co_await tell_live_searches(context);
}

}  // namespace dromos::imapd
