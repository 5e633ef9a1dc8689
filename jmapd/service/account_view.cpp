#include "jmapd/service/account_view.h"

#include <algorithm>

#include "common/base/strings.h"

namespace dromos::jmapd {
namespace {

struct Named {
  int32_t flag;
  std::string_view keyword;
};
constexpr Named kFlags[] = {{store::kSeen, "$seen"},
                            {store::kAnswered, "$answered"},
                            {store::kFlagged, "$flagged"},
                            {store::kDraft, "$draft"}};

/// Adds one visible entry of a message to its row.
void join(EmailRow& row, MailboxId mailbox, const store::Entry& entry) {
  const bool first = row.mailboxes.empty();
  if (first) {
    row.id = entry.id;
    row.thread = entry.thread;
    row.received_us = entry.received_us;
    row.size = entry.size;
    row.flags = entry.flags;
    row.keywords = entry.keywords;
    row.place = mailbox;
    row.uid = entry.uid;
  } else {
    const int32_t seen = row.flags & entry.flags & store::kSeen;
    row.flags = ((row.flags | entry.flags) & ~store::kSeen) | seen;
    for (const std::string& keyword : entry.keywords) {
      const auto at = std::lower_bound(row.keywords.begin(), row.keywords.end(), keyword);
      if (at == row.keywords.end() || *at != keyword) row.keywords.insert(at, keyword);
    }
  }
  row.mailboxes.insert(std::lower_bound(row.mailboxes.begin(), row.mailboxes.end(), mailbox), mailbox);
}

}  // namespace

bool EmailRow::in(MailboxId mailbox) const {
  return std::binary_search(mailboxes.begin(), mailboxes.end(), mailbox);
}

bool EmailRow::has(std::string_view keyword) const {
  for (const Named& named : kFlags)
    if (named.keyword == keyword) return (flags & named.flag) != 0;
  return std::binary_search(keywords.begin(), keywords.end(), keyword);
}

std::vector<std::string> EmailRow::all_keywords() const {
  return keywords_of(flags, keywords);
}

std::vector<std::string> keywords_of(int32_t flags, const std::vector<std::string>& others) {
  std::vector<std::string> out;
  for (const Named& named : kFlags)
    if ((flags & named.flag) != 0) out.emplace_back(named.keyword);
  out.insert(out.end(), others.begin(), others.end());
  return out;
}

store::FlagSet flags_of(const std::vector<std::string>& keywords) {
  store::FlagSet out;
  for (const std::string& given : keywords) {
    std::string keyword = to_lower(given);
    const auto named = std::find_if(std::begin(kFlags), std::end(kFlags),
                                    [&](const Named& one) { return one.keyword == keyword; });
    if (named != std::end(kFlags))
      out.flags |= named->flag;
    else
      out.keywords.push_back(std::move(keyword));
  }
  std::sort(out.keywords.begin(), out.keywords.end());
  out.keywords.erase(std::unique(out.keywords.begin(), out.keywords.end()), out.keywords.end());
  return out;
}

std::vector<EmailRow> join_places(const std::vector<store::Entries::Place>& places) {
  std::vector<EmailRow> rows;
  for (const auto& place : places) {
    if ((place.entry.flags & store::kDeleted) != 0) continue;
    if (rows.empty() || rows.back().id != place.entry.id) rows.emplace_back();
    join(rows.back(), place.mailbox, place.entry);
  }
  return rows;
}

AccountView::AccountView(std::vector<EmailRow> emails) : emails_(std::move(emails)) {
  for (uint32_t i = 0; i < emails_.size(); ++i) {
    threads_[emails_[i].thread].push_back(i);
    bytes_ += sizeof(EmailRow) + 64 + emails_[i].keywords.size() * 40 + emails_[i].mailboxes.size() * 8;
  }
}

const EmailRow* AccountView::find(MessageId id) const {
  const auto at = std::lower_bound(emails_.begin(), emails_.end(), id,
                                   [](const EmailRow& row, MessageId wanted) { return row.id < wanted; });
  return at != emails_.end() && at->id == id ? &*at : nullptr;
}

const std::vector<uint32_t>& AccountView::thread(ThreadId thread) const {
  static const std::vector<uint32_t> none;
  const auto at = threads_.find(thread);
  return at == threads_.end() ? none : at->second;
}

ViewCache::CachedPtr ViewCache::get(AccountId account) {
  const std::lock_guard lock(mutex_);
  const auto at = index_.find(account);
  if (at == index_.end()) return nullptr;
  recent_.splice(recent_.begin(), recent_, at->second);
  return at->second->second;
}

void ViewCache::put(AccountId account, CachedPtr value) {
  const std::lock_guard lock(mutex_);
  if (const auto at = index_.find(account); at != index_.end()) {
    used_ -= at->second->second->bytes;
    recent_.erase(at->second);
    index_.erase(at);
  }
  used_ += value->bytes;
  recent_.emplace_front(account, std::move(value));
  index_[account] = recent_.begin();
  while (used_ > budget_ && !recent_.empty()) {
    used_ -= recent_.back().second->bytes;
    index_.erase(recent_.back().first);
    recent_.pop_back();
  }
}

Task<Result<std::shared_ptr<const ViewCache::Snapshot>>> ViewCache::snapshot(
    store::Entries& entries, AccountId account, const store::Mailbox& mailbox,
    std::shared_ptr<const Snapshot> old, Deadline deadline) {
  auto fresh = std::make_shared<Snapshot>();
  if (old) {
    CO_TRY(const store::EntryChanges changes,
           co_await entries.changes_since(account, mailbox.id, old->highestmodseq, deadline));
    if (!changes.mailbox_gone && !changes.expunged_unknown) {
      fresh->highestmodseq = changes.highestmodseq;
      auto change = changes.changed.begin();
      for (const store::Entry& entry : old->entries) {
        for (; change != changes.changed.end() && change->uid < entry.uid; ++change)
          fresh->entries.push_back(*change);
        const bool replaced = change != changes.changed.end() && change->uid == entry.uid;
        if (changes.expunged.contains(entry.uid)) {
          if (replaced) ++change;
          continue;
        }
        fresh->entries.push_back(replaced ? *change++ : entry);
      }
      fresh->entries.insert(fresh->entries.end(), change, changes.changed.end());
      co_return fresh;
    }
  }
  fresh->highestmodseq = mailbox.highestmodseq;
  const auto add = [&](const store::Entry& entry) { fresh->entries.push_back(entry); };
  CO_TRY_VOID(co_await entries.load(account, mailbox.id, 1, UINT32_MAX, add, deadline));
  co_return fresh;
}

std::shared_ptr<const AccountView> ViewCache::build(const Cached& parts) {
  std::unordered_map<MessageId, EmailRow> rows;
  for (const auto& [mailbox, snapshot] : parts.mailboxes)
    for (const store::Entry& entry : snapshot->entries)
      if ((entry.flags & store::kDeleted) == 0) join(rows[entry.id], mailbox, entry);
  std::vector<EmailRow> emails;
  emails.reserve(rows.size());
  for (auto& [id, row] : rows) emails.push_back(std::move(row));
  std::sort(emails.begin(), emails.end(), [](const EmailRow& a, const EmailRow& b) { return a.id < b.id; });
  return std::make_shared<const AccountView>(std::move(emails));
}

Task<Result<AccountData>> ViewCache::load(store::Mailboxes& mailboxes, store::Entries& entries,
                                          AccountId account, Deadline deadline) {
  CO_TRY(store::MailboxTree tree, co_await mailboxes.tree(account, deadline));
  const CachedPtr old = get(account);
  const bool usable = old && old->epoch == tree.state_epoch;
  if (usable && old->modseq == tree.modseq) co_return AccountData{std::move(tree), old->view};
  auto fresh = std::make_shared<Cached>();
  fresh->epoch = tree.state_epoch;
  fresh->modseq = tree.modseq;
  for (const store::Mailbox& mailbox : tree.mailboxes) {
    std::shared_ptr<const Snapshot> before;
    if (usable)
      if (const auto at = old->mailboxes.find(mailbox.id); at != old->mailboxes.end()) before = at->second;
    if (!before || before->highestmodseq < mailbox.highestmodseq) {
      CO_TRY(before, co_await snapshot(entries, account, mailbox, std::move(before), deadline));
    }
    fresh->bytes += before->entries.size() * (sizeof(store::Entry) + 16);
    fresh->mailboxes.emplace(mailbox.id, std::move(before));
  }
  fresh->view = build(*fresh);
  fresh->bytes += fresh->view->bytes();
  put(account, fresh);
  co_return AccountData{std::move(tree), fresh->view};
}

}  // namespace dromos::jmapd
