// Mailbox/set (RFC 8621 §2.5).
#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/store/errc.h"
#include "jmapd/methods/mailbox_type.h"
#include "jmapd/protocol/arguments.h"
#include "jmapd/protocol/patch.h"

namespace dromos::jmapd {
namespace {

using nlohmann::json;
using store::StoreErrc;

struct Wanted {
  std::string name;
  MailboxId parent;
  std::string role;
  int32_t sort_order = 0;
  bool subscribed = true;  // RFC 8621 §2: for what the user makes
};

Outcome<Wanted> read_wanted(const Context& context, const json& record, const store::MailboxTree& tree) {
  Wanted out;
  const auto name = record.find("name");
  if (name == record.end() || !name->is_string() || name->get_ref<const std::string&>().empty())
    return invalid_property("name", "a name is needed");
  out.name = name->get<std::string>();
  if (const auto parent = record.find("parentId"); parent != record.end() && !parent->is_null()) {
    const auto text = parent->is_string() ? context.record_id(parent->get<std::string>()) : std::nullopt;
    const auto id = text ? parse_mailbox_id(*text) : std::nullopt;
    if (!id || tree.find(*id) == nullptr) return invalid_property("parentId", "no such mailbox");
    out.parent = *id;
  }
  if (const auto role = record.find("role"); role != record.end() && !role->is_null()) {
    if (!role->is_string()) return invalid_property("role");
    out.role = role->get<std::string>();
  }
  if (const auto order = record.find("sortOrder"); order != record.end() && !order->is_null()) {
    const bool fits = order->is_number_integer() && *order >= 0 && *order <= INT32_MAX;
    if (!fits) return invalid_property("sortOrder");
    out.sort_order = order->get<int32_t>();
  }
  if (const auto subscribed = record.find("isSubscribed");
      subscribed != record.end() && !subscribed->is_null()) {
    if (!subscribed->is_boolean()) return invalid_property("isSubscribed");
    out.subscribed = subscribed->get<bool>();
  }
  return out;
}

std::vector<std::string> path_of(const store::MailboxTree& tree, const Wanted& wanted) {
  std::vector<std::string> path;
  if (wanted.parent) path = tree.path_of(wanted.parent);
  path.push_back(wanted.name);
  return path;
}

/// SetError of a create or update that the store refused.
tl::unexpected<MethodError> refused(Error error) {
  if (error.is(StoreErrc::exists)) return invalid_property("name", "the name or the role is taken");
  if (error.is(StoreErrc::not_allowed)) return invalid_property("name", "not allowed");
  if (error.is(StoreErrc::not_found)) return refuse("notFound");
  if (error.is(StoreErrc::over_quota)) return refuse("overQuota");
  return tl::unexpected<MethodError>(std::move(error));
}

}  // namespace

void MailboxType::read_set_arguments(Context& context, Arguments& arguments) {
  context.remove_emails = arguments.boolean("onDestroyRemoveEmails", false);
}

std::string MailboxType::depends_on(const json& record) const {
  const auto parent = record.find("parentId");
  if (parent == record.end() || !parent->is_string()) return {};
  const auto& text = parent->get_ref<const std::string&>();
  return text.starts_with('#') ? text.substr(1) : std::string();
}

Task<Outcome<json>> MailboxType::create(Context& context, AccountId account, json record) {
  constexpr const char* kNames[] = {"name", "parentId", "role", "sortOrder", "isSubscribed"};
  for (const auto& item : record.items())
    if (std::none_of(std::begin(kNames), std::end(kNames),
                     [&](const char* one) { return item.key() == one; }))
      co_return invalid_property(item.key(), "not to be set");
  store::Mailboxes& mailboxes = context.services.mailboxes;
  JM_TRY(const store::MailboxTree tree, co_await mailboxes.tree(account, context.deadline));
  JM_TRY(const Wanted wanted, read_wanted(context, record, tree));
  std::optional<std::string> role;
  if (!wanted.role.empty()) role = wanted.role;
  auto made =
      co_await mailboxes.create(account, path_of(tree, wanted), role, wanted.subscribed, context.deadline);
  if (!made) co_return refused(std::move(made).error());
  store::Change change = made->change;
  if (wanted.sort_order != 0) {
    store::MailboxUpdate update;
    update.sort_order = wanted.sort_order;
    JM_TRY(change, co_await mailboxes.update(account, made->id, std::move(update), context.deadline));
  }
  context.services.publish(change);
  JM_TRY(const store::Mailbox now, co_await mailboxes.get(account, made->id, context.deadline));
  json out = mailbox_object(now, nullptr);
  for (const char* name : {"totalEmails", "unreadEmails", "totalThreads", "unreadThreads"}) out[name] = 0;
  for (const auto& item : record.items()) out.erase(item.key());
  co_return out;
}

Task<Outcome<json>> MailboxType::update(Context& context, AccountId account, std::string id, json patch) {
  store::Mailboxes& mailboxes = context.services.mailboxes;
  JM_TRY(const AccountData data, co_await context.services.account(account, context.deadline));
  const store::MailboxTree& tree = data.tree;
  const auto mailbox = parse_mailbox_id(id);
  const store::Mailbox* box = mailbox ? tree.find(*mailbox) : nullptr;
  if (box == nullptr) co_return refuse("notFound");
  const json before = mailbox_object(*box, data.view.get());
  JM_TRY(const json after, apply_patch(before, patch));
  constexpr const char* kChangeable[] = {"name", "parentId", "role", "sortOrder", "isSubscribed"};
  for (const auto& item : after.items()) {
    const bool changeable = std::any_of(std::begin(kChangeable), std::end(kChangeable),
                                        [&](const char* one) { return item.key() == one; });
    if (!changeable && (!before.contains(item.key()) || before[item.key()] != item.value()))
      co_return invalid_property(item.key(), "not to be changed");
  }
  JM_TRY(const Wanted wanted, read_wanted(context, after, tree));
  store::MailboxUpdate update;
  if (wanted.name != box->name || wanted.parent != box->parent) update.path = path_of(tree, wanted);
  if (wanted.role != box->special_use) update.special_use = wanted.role;
  if (wanted.subscribed != box->subscribed) update.subscribed = wanted.subscribed;
  if (wanted.sort_order != box->sort_order) update.sort_order = wanted.sort_order;
  if (!update.path && !update.special_use && !update.subscribed && !update.sort_order) co_return json();
  auto changed = co_await mailboxes.update(account, box->id, std::move(update), context.deadline);
  if (!changed) co_return refused(std::move(changed).error());
  context.services.publish(*changed);
  co_return json();
}

Task<Outcome<void>> MailboxType::destroy(Context& context, AccountId account, std::string id) {
  store::Mailboxes& mailboxes = context.services.mailboxes;
  const auto mailbox = parse_mailbox_id(id);
  if (!mailbox) co_return refuse("notFound");
  auto box = co_await mailboxes.get(account, *mailbox, context.deadline);
  if (!box) co_return refused(std::move(box).error());
  // What only IMAP still sees, marked \Deleted, holds nothing up.
  const bool with_messages = context.remove_emails || box->live.count == 0;
  auto gone = co_await mailboxes.remove(account, *mailbox, with_messages, context.deadline);
  if (!gone && gone.error().is(StoreErrc::has_children)) co_return refuse("mailboxHasChild");
  if (!gone && gone.error().is(StoreErrc::not_empty)) co_return refuse("mailboxHasEmail");
  if (!gone && gone.error().is(StoreErrc::not_allowed)) co_return refuse("forbidden");
  if (!gone) co_return refused(std::move(gone).error());
  context.services.publish(*gone);
  co_return Outcome<void>{};
}

}  // namespace dromos::jmapd
