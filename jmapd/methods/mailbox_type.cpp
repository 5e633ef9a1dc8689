#include "jmapd/methods/mailbox_type.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "common/base/strings.h"
#include "common/mime/charset.h"
#include "common/store/errc.h"
#include "jmapd/methods/types.h"
#include "jmapd/protocol/arguments.h"

namespace dromos::jmapd {
namespace {

using nlohmann::json;

constexpr const char* kCounts[] = {"totalEmails", "unreadEmails", "totalThreads", "unreadThreads"};
constexpr const char* kProperties[] = {
    "id",           "name",         "parentId",      "role",     "sortOrder",   "totalEmails",
    "unreadEmails", "totalThreads", "unreadThreads", "myRights", "isSubscribed"};

/// Emails change counts, so the state moves with them.
State state_of(const store::AccountStates& states) {
  return {states.epoch, std::max(states.mailbox, states.email)};
}
State state_of(const store::MailboxTree& tree) {
  return {tree.state_epoch, std::max(tree.mailbox_modseq, tree.email_modseq)};
}

bool is_unread(const EmailRow& row) {
  return (row.flags & (store::kSeen | store::kDraft)) == 0;
}

/// RFC 8621 §2: a thread is unread here if any email of it is unread, wherever that is.
void add_counts(json& out, MailboxId mailbox, const AccountView& view) {
  int64_t emails = 0, unread = 0, unread_threads = 0;
  std::unordered_set<ThreadId> threads;
  for (const EmailRow& row : view.emails()) {
    if (!row.in(mailbox)) continue;
    ++emails;
    if (is_unread(row)) ++unread;
    if (!threads.insert(row.thread).second) continue;
    const auto& members = view.thread(row.thread);
    if (std::any_of(members.begin(), members.end(), [&](uint32_t i) { return is_unread(view.emails()[i]); }))
      ++unread_threads;
  }
  out["totalEmails"] = emails;
  out["unreadEmails"] = unread;
  out["totalThreads"] = threads.size();
  out["unreadThreads"] = unread_threads;
}

json rights(const store::Mailbox& mailbox) {
  const bool inbox = mailbox.special_use == "inbox";
  const bool holds = mailbox.selectable;
  return {{"mayReadItems", holds}, {"mayAddItems", holds},    {"mayRemoveItems", holds},
          {"maySetSeen", holds},   {"maySetKeywords", holds}, {"mayCreateChild", true},
          {"mayRename", !inbox},   {"mayDelete", !inbox},     {"maySubmit", holds}};
}

}  // namespace

json mailbox_object(const store::Mailbox& mailbox, const AccountView* view) {
  json out = {{"id", to_text(mailbox.id)},
              {"name", mailbox.name},
              {"parentId", mailbox.parent ? json(to_text(mailbox.parent)) : json()},
              {"role", mailbox.special_use.empty() ? json() : json(mailbox.special_use)},
              {"sortOrder", mailbox.sort_order},
              {"isSubscribed", mailbox.subscribed},
              {"myRights", rights(mailbox)}};
  if (view != nullptr) add_counts(out, mailbox.id, *view);
  return out;
}

Task<Outcome<State>> MailboxType::state(Context& context, AccountId account) {
  JM_TRY(const store::AccountStates states,
         co_await context.services.changes.states(account, context.deadline));
  co_return state_of(states);
}

Task<Outcome<Found>> MailboxType::get(Context& context, AccountId account,
                                      std::optional<std::vector<std::string>> ids, Arguments& arguments) {
  const auto properties = arguments.texts("properties");
  JM_CHECK(arguments.finish());
  bool counts = !properties;
  for (const std::string& name : properties.value_or(std::vector<std::string>{})) {
    const auto is = [&](const char* one) { return name == one; };
    if (std::none_of(std::begin(kProperties), std::end(kProperties), is))
      co_return invalid_arguments("no such property: " + name);
    counts = counts || std::any_of(std::begin(kCounts), std::end(kCounts), is);
  }
  AccountData data;
  if (counts) {
    JM_TRY(data, co_await context.services.account(account, context.deadline));
  } else {
    JM_TRY(data.tree, co_await context.services.mailboxes.tree(account, context.deadline));
  }
  Found found;
  found.state = state_of(data.tree);
  const auto add = [&](const store::Mailbox& mailbox) {
    json object = mailbox_object(mailbox, data.view.get());
    if (properties) {
      json chosen = {{"id", object["id"]}};
      for (const std::string& name : *properties) chosen[name] = object[name];
      object = std::move(chosen);
    }
    found.list->push_back(std::move(object));
  };
  if (!ids) {
    if (data.tree.mailboxes.size() > context.limits().objects_in_get) co_return refuse("requestTooLarge");
    for (const store::Mailbox& mailbox : data.tree.mailboxes) add(mailbox);
    co_return found;
  }
  for (const std::string& text : *ids) {
    const auto id = parse_mailbox_id(text);
    const store::Mailbox* mailbox = id ? data.tree.find(*id) : nullptr;
    if (mailbox != nullptr)
      add(*mailbox);
    else
      found.not_found.push_back(text);
  }
  co_return found;
}

Task<Outcome<ChangedIds>> MailboxType::changes(Context& context, AccountId account, int64_t since,
                                               size_t max) {
  JM_TRY(const State current, co_await state(context, account));
  auto changed = co_await context.services.changes.mailboxes(account, since, max == 0 ? SIZE_MAX : max,
                                                             context.deadline);
  if (!changed && changed.error().is(store::StoreErrc::cannot_change))
    co_return refuse("cannotCalculateChanges");
  JM_TRY(const store::MailboxChanges list, std::move(changed));
  ChangedIds out;
  out.new_state = {current.epoch, list.more ? list.new_modseq : std::max(current.modseq, since)};
  out.more = list.more;
  for (const MailboxId id : list.created) out.created.push_back(to_text(id));
  for (const MailboxId id : list.updated) out.updated.push_back(to_text(id));
  for (const MailboxId id : list.destroyed) out.destroyed.push_back(to_text(id));
  if (list.only_counts && !list.updated.empty())
    out.updated_properties.emplace(std::begin(kCounts), std::end(kCounts));
  co_return out;
}

std::shared_ptr<ObjectType> make_mailbox_type() {
  return std::make_shared<MailboxType>();
}

}  // namespace dromos::jmapd
