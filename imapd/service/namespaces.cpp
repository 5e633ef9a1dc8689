#include "imapd/service/namespaces.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>

#include "common/base/strings.h"
#include "common/store/errc.h"
#include "imapd/protocol/mailbox_name.h"

namespace dromos::imapd {
namespace {

void see_own(NamedMailbox& named, const store::SharedMailboxInfo& info) {
  named.own_seen = info.own_seen.has_value();
  if (info.own_seen) named.mailbox.all.seen = *info.own_seen;
}

/// A login as one level of a name.
std::string level_of(std::string login) {
  std::replace(login.begin(), login.end(), kSeparator, '|');
  return login;
}

}  // namespace

std::optional<ForeignName> foreign_name(std::string_view name) {
  if (!is_reserved(name)) return std::nullopt;
  std::vector<std::string> levels = path_of_name(name);
  if (levels.size() < 2) return std::nullopt;
  ForeignName foreign{levels[0] + kSeparator + to_lower(levels[1]) + kSeparator, {}};
  foreign.path.assign(levels.begin() + 2, levels.end());
  return foreign;
}

bool is_reserved(std::string_view name) {
  const std::string_view root = name.substr(0, name.find(kSeparator));
  return root == kOtherUsers || root == kSharedFolders;
}

std::string prefix_of(const store::SharedMailboxInfo& info) {
  return std::string(info.shared_account ? kSharedFolders : kOtherUsers) + kSeparator + level_of(info.login) +
         kSeparator;
}

Task<Result<std::vector<NamedMailbox>>> visible_mailboxes(Worker& worker, AccountId reader,
                                                          store::Rights rights, Deadline deadline) {
  std::vector<NamedMailbox> all;
  CO_TRY(auto own, co_await worker.mailboxes.tree(reader, deadline));
  for (const store::Mailbox& mailbox : own.mailboxes)
    all.push_back({reader, store::kAllRights, mailbox, name_of_path(own.path_of(mailbox.id))});
  CO_TRY(auto others, co_await foreign_mailboxes(worker, reader, rights, deadline));
  std::move(others.begin(), others.end(), std::back_inserter(all));
  co_return all;
}

Task<Result<std::vector<NamedMailbox>>> foreign_mailboxes(Worker& worker, AccountId reader,
                                                          store::Rights rights, Deadline deadline) {
  std::vector<NamedMailbox> all;
  CO_TRY(const auto shared, co_await worker.sharing.visible_to(reader, deadline));
  // Of each owner's mailboxes those that are shared, and their names' way up.
  std::map<AccountId, std::vector<MailboxId>> wanted;
  for (const store::SharedMailboxInfo& info : shared)
    if ((info.rights & rights) != 0) wanted[info.account].push_back(info.mailbox);
  std::map<AccountId, store::MailboxTree> trees;
  for (const auto& [account, mailboxes] : wanted) {
    CO_TRY(auto tree, co_await worker.mailboxes.tree_of(account, mailboxes, deadline));
    trees.emplace(account, std::move(tree));
  }
  for (const store::SharedMailboxInfo& info : shared) {
    if ((info.rights & rights) == 0) continue;
    const store::MailboxTree& tree = trees[info.account];
    const store::Mailbox* mailbox = tree.find(info.mailbox);
    if (mailbox == nullptr) continue;  // deleted meanwhile
    NamedMailbox seen{info.account, info.rights, *mailbox,
                      prefix_of(info) + name_of_path(tree.path_of(info.mailbox))};
    seen.mailbox.subscribed = info.subscribed;
    seen.mailbox.special_use.clear();  // a use of its owner's (RFC 6154 §2)
    see_own(seen, info);
    all.push_back(std::move(seen));
  }
  co_return all;
}

Task<Result<std::vector<NamedMailbox>>> own_mailboxes(Worker& worker, AccountId reader,
                                                      std::vector<store::MailboxRange> ranges,
                                                      Deadline deadline) {
  std::vector<NamedMailbox> all;
  std::set<MailboxId> known;
  for (store::MailboxRange& range : ranges) {
    CO_TRY(auto some, co_await worker.mailboxes.in_range(reader, std::move(range), deadline));
    for (store::RangedMailbox& one : some) {
      if (!known.insert(one.mailbox.id).second) continue;
      all.push_back({reader, store::kAllRights, std::move(one.mailbox), name_of_path(one.path)});
      all.back().has_children = one.has_children;
    }
  }
  co_return all;
}

bool may_be_foreign(std::string_view prefix) {
  return kOtherUsers.starts_with(prefix) || kSharedFolders.starts_with(prefix) ||
         prefix.starts_with(kOtherUsers) || prefix.starts_with(kSharedFolders);
}

namespace {

const store::SharedMailboxInfo* info_of(const std::vector<store::SharedMailboxInfo>& shared,
                                        AccountId account, MailboxId id) {
  const auto at = std::find_if(shared.begin(), shared.end(), [&](const store::SharedMailboxInfo& info) {
    return info.account == account && info.mailbox == id;
  });
  return at == shared.end() ? nullptr : &*at;
}

/// Rights on the nearest mailbox above `path`.
Task<Result<store::Rights>> rights_above(Worker& worker, AccountId account, std::vector<std::string> path,
                                         const std::vector<store::SharedMailboxInfo>& shared,
                                         Deadline deadline) {
  while (path.size() > 1) {
    path.pop_back();
    CO_TRY(const auto above, co_await worker.mailboxes.find(account, path, deadline));
    if (!above) continue;
    const auto* info = info_of(shared, account, above->id);
    co_return info != nullptr ? info->rights : 0;
  }
  co_return store::Rights{0};
}

/// The mailbox of another at `path`, or where it would be: found by its name, however many others he has.
Task<Result<Place>> foreign_place(Worker& worker, AccountId account, const ForeignName& name,
                                  const std::vector<store::SharedMailboxInfo>& shared, Deadline deadline) {
  Place place{account, name.path, std::nullopt, 0};
  if (place.path.empty()) co_return place;
  CO_TRY(auto mailbox, co_await worker.mailboxes.find(account, place.path, deadline));
  if (mailbox && mailbox->parent) {
    const auto* over = info_of(shared, account, mailbox->parent);
    place.parent_rights = over != nullptr ? over->rights : 0;
  } else if (!mailbox) {
    CO_TRY(place.parent_rights, co_await rights_above(worker, account, place.path, shared, deadline));
  }
  const auto* info = mailbox ? info_of(shared, account, mailbox->id) : nullptr;
  if (info == nullptr) co_return place;
  std::vector<std::string> path = place.path;
  if (iequals(path.front(), "INBOX")) path.front() = "INBOX";
  place.found = NamedMailbox{account, info->rights, std::move(*mailbox), name.prefix + name_of_path(path)};
  place.found->mailbox.subscribed = info->subscribed;
  place.found->mailbox.special_use.clear();
  see_own(*place.found, *info);
  co_return place;
}

}  // namespace

Task<Result<Place>> find_place(Worker& worker, AccountId reader, std::string name, Deadline deadline) {
  const std::optional<ForeignName> foreign = foreign_name(name);
  if (!foreign) {
    Place place{reader, path_of_name(name), std::nullopt, store::kAllRights};
    CO_TRY(auto found, co_await worker.mailboxes.find(reader, place.path, deadline));
    if (!found) co_return place;
    std::vector<std::string> path = place.path;
    path.back() = found->name;
    if (iequals(path.front(), "INBOX")) path.front() = "INBOX";
    place.found = NamedMailbox{reader, store::kAllRights, std::move(*found), name_of_path(path)};
    co_return place;
  }
  CO_TRY(const auto shared, co_await worker.sharing.visible_to(reader, deadline));
  const auto owner = std::find_if(shared.begin(), shared.end(), [&](const store::SharedMailboxInfo& info) {
    return prefix_of(info) == foreign->prefix;
  });
  if (owner == shared.end()) co_return fail(store::StoreErrc::not_found, "no such mailbox");
  co_return co_await foreign_place(worker, owner->account, *foreign, shared, deadline);
}

}  // namespace dromos::imapd
