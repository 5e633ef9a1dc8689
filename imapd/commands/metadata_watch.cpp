#include "imapd/commands/metadata_watch.h"

#include <algorithm>

#include "common/log/log.h"
#include "imapd/commands/metadata.h"

namespace dromos::imapd {

MetadataWatch::MetadataWatch(Context& context, Wishes wishes)
    : context_(context),
      wishes_(std::move(wishes)),
      sharing_(context.worker.options.accounts, context),
      accounts_(context.worker.options.accounts, context) {}

bool MetadataWatch::wanted(const NamedMailbox& named) const {
  if (!may_annotate(named)) return false;
  return wishes_.all_mailboxes ||
         std::any_of(wishes_.mailboxes.begin(), wishes_.mailboxes.end(),
                     [&](const DecodedFilter& filter) { return covers(filter, context_.account(), named); });
}

Task<Result<void>> MetadataWatch::look_at_mailboxes() {
  std::map<AccountId, Boxes> boxes;
  if (wishes_.server) boxes[context_.account()][MailboxId()] = "";
  if (wishes_.all_mailboxes || !wishes_.mailboxes.empty()) {
    auto looking = wishes_.all_mailboxes
                       ? visible_mailboxes(context_.worker, context_.account(), store::kLookup,
                                           context_.store_deadline())
                       : reachable_mailboxes(context_, wishes_.mailboxes, false, store::kLookup);
    CO_TRY(auto all, co_await std::move(looking));
    for (NamedMailbox& named : all)
      if (wanted(named)) boxes[named.account][named.mailbox.id] = std::move(named.name);
  }
  boxes_ = std::move(boxes);
  std::erase_if(known_, [&](const auto& one) { return !boxes_.contains(one.first); });
  for (const auto& [account, names] : boxes_) accounts_.add(account);
  co_return Result<void>{};
}

Task<Result<void>> MetadataWatch::look_at(AccountId account, bool tell) {
  CO_TRY(const auto now,
         co_await context_.worker.annotations.names(
             account, context_.account(), static_cast<int32_t>(kMaxEntries) + 1, context_.store_deadline()));
  const Boxes& boxes = boxes_[account];
  Known fresh{now.modseq, {}, {}};
  size_t count = 0;
  for (const auto& [other, known] : known_)
    if (other != account)
      for (const auto& [mailbox, names] : known.names) count += names.size();
  for (const store::AnnotationNames::One& one : now.list)
    if (boxes.contains(one.mailbox)) count += fresh.names[one.mailbox].insert(one.name).second ? 1 : 0;
  if (count > kMaxEntries || now.list.size() > kMaxEntries)
    co_return fail(Errc::limit_exceeded, "too many annotations to watch");
  Known& before = known_[account];
  if (tell) write(boxes, before, now);
  before = std::move(fresh);
  co_return Result<void>{};
}

void MetadataWatch::write(const Boxes& boxes, const Known& before, const store::AnnotationNames& now) {
  Names there, changed;
  for (const store::AnnotationNames::One& one : now.list) {
    there[one.mailbox].insert(one.name);
    if (one.modseq > before.modseq && !before.own.contains(one.modseq)) changed[one.mailbox].insert(one.name);
  }
  for (const auto& [mailbox, names] : before.names)
    for (const std::string& name : names)
      if (!there[mailbox].contains(name)) changed[mailbox].insert(name);
  for (const auto& [mailbox, names] : changed) {
    const auto box = boxes.find(mailbox);
    if (box == boxes.end()) continue;  // not watched, or gone
    context_.out.untagged().raw("METADATA ").mailbox(box->second);
    for (const std::string& name : names) context_.out.sp().astring(name);
    context_.out.crlf();
  }
}

Task<Result<void>> MetadataWatch::begin() {
  // Watched first: what changes while it is read is looked at again.
  accounts_.add(context_.account());
  if (wishes_.all_mailboxes || !wishes_.mailboxes.empty()) sharing_.add(kSharing);
  sharing_.take_moved();
  CO_TRY_VOID(co_await look_at_mailboxes());
  accounts_.take_moved();
  std::vector<AccountId> accounts;
  for (const auto& [account, boxes] : boxes_) accounts.push_back(account);
  for (const AccountId account : accounts) CO_TRY_VOID(co_await look_at(account, false));
  co_return Result<void>{};
}

Task<Result<void>> MetadataWatch::tell() {
  const bool shared = sharing_.take_moved();
  if (!accounts_.take_moved() && !shared) co_return Result<void>{};
  std::vector<store::Change> known;
  for (const auto& [account, one] : known_) known.push_back({account, one.modseq});
  CO_TRY(const auto moved,
         co_await context_.worker.annotations.moved(std::move(known), context_.store_deadline()));
  if (moved.empty() && !shared) co_return Result<void>{};
  // Names and rights as they are now.
  CO_TRY_VOID(co_await look_at_mailboxes());
  for (const store::Change& change : moved)
    if (boxes_.contains(change.account)) CO_TRY_VOID(co_await look_at(change.account, true));
  std::vector<AccountId> fresh;
  for (const auto& [account, boxes] : boxes_)
    if (!known_.contains(account)) fresh.push_back(account);
  for (const AccountId account : fresh) CO_TRY_VOID(co_await look_at(account, false));
  co_return Result<void>{};
}

void MetadataWatch::look_again() {
  sharing_.look_again();
}

void MetadataWatch::own(store::Change change, MailboxId mailbox,
                        const std::vector<store::Annotations::Entry>& entries) {
  const auto at = known_.find(change.account);
  if (at == known_.end() || !boxes_[change.account].contains(mailbox)) return;
  if (change) at->second.own.insert(change.modseq);
  auto& names = at->second.names[mailbox];
  for (const store::Annotations::Entry& entry : entries)
    entry.value ? (void)names.insert(entry.name) : (void)names.erase(entry.name);
}

Task<Result<void>> watch_metadata(Context& context, MetadataWatch::Wishes wishes) {
  if (!wishes.any()) {
    context.metadata.reset();
    co_return Result<void>{};
  }
  auto next = std::make_unique<MetadataWatch>(context, std::move(wishes));
  CO_TRY_VOID(co_await next->begin());
  context.metadata = std::move(next);
  co_return Result<void>{};
}

Task<Result<bool>> enable_metadata(Context& context, bool mailboxes) {
  MetadataWatch::Wishes wishes;
  if (context.metadata) {
    co_await tell_metadata(context);
    if (context.metadata) wishes = context.metadata->wishes();
  }
  wishes.server = true;
  wishes.all_mailboxes |= mailboxes;
  const auto watched = co_await watch_metadata(context, std::move(wishes));
  if (!watched && !watched.error().is(Errc::limit_exceeded)) co_return fail(watched.error());
  co_return watched.has_value();
}

Task<void> tell_metadata(Context& context) {
  if (!context.metadata) co_return;
  const auto told = co_await context.metadata->tell();
  if (told) co_return;
  if (told.error().is(Errc::limit_exceeded)) {
    context.out.untagged_status(Status::ok, code::kNotificationOverflow, "Too many annotations to watch");
    context.metadata.reset();
    co_return;
  }
  log::warn("notify.failed", {{"trace", context.trace}, {"err", told.error()}});
  context.metadata->look_again();
}

}  // namespace dromos::imapd
