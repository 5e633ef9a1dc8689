// CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE (RFC 9051 §6.3.4-§6.3.8; special use: RFC 6154 §3).
#include "common/base/strings.h"
#include "common/store/errc.h"
#include "imapd/commands/handlers.h"
#include "imapd/commands/mailbox_names.h"
#include "imapd/protocol/mailbox_name.h"

namespace dromos::imapd {
namespace {

/// "\Sent" -> "sent"; empty if there is no such use.
std::string stored_use(std::string_view attribute) {
  static constexpr std::string_view kUses[] = {"drafts",  "sent", "trash",   "junk",
                                               "archive", "all",  "flagged", "important"};
  const std::string wanted = to_lower(attribute);
  for (const std::string_view use : kUses)
    if (wanted.size() == use.size() + 1 && wanted.substr(1) == use) return std::string(use);
  return {};
}

/// The place for a new mailbox, if this account may make one there: the nearest mailbox above it decides
/// (RFC 4314 §4). Nobody makes mailboxes at the root of another account.
Task<Result<Place>> place_for_new(Context& context, std::string name) {
  const bool foreign = foreign_name(name).has_value();
  if (is_reserved(name) && !foreign) co_return fail(store::StoreErrc::not_allowed, "the name is reserved");
  CO_TRY(auto place,
         co_await find_place(context.worker, context.account(), std::move(name), context.store_deadline()));
  if (place.found) co_return fail(store::StoreErrc::exists, "mailbox exists");
  if ((place.parent_rights & store::kCreate) == 0)
    co_return fail(store::StoreErrc::no_permission, "no right to create");
  co_return place;
}

}  // namespace

Handled handle_create(Context& context, const Command& command) {
  const auto& create = command.as<CreateCommand>();
  CO_TRY(const std::string name, name_from_wire(context, create.mailbox));
  if (is_inbox(name) && name.find(kSeparator) == std::string::npos)
    co_return no(code::kAlreadyExists, "INBOX is always there");
  std::optional<std::string> use;
  if (!create.special_use.empty()) {
    if (create.special_use.size() > 1) co_return no(code::kUseAttr, "One special use a mailbox");
    use = stored_use(create.special_use.front());
    if (use->empty()) co_return no(code::kUseAttr, "There is no such special use");
  }
  CO_TRY(const Place place, co_await place_for_new(context, name));
  if (use && place.account != context.account())
    co_return no(code::kUseAttr, "Special uses are for mailboxes of one's own");
  const auto created = co_await context.worker.mailboxes.create(place.account, place.path, use, false,
                                                                context.store_deadline());
  if (!created && use && created.error().is(store::StoreErrc::exists)) {
    const auto taken = co_await find_mailbox(context, create.mailbox, false, 0);
    if (!taken) co_return no(code::kUseAttr, "Another mailbox has that special use");
  }
  if (!created) co_return fail(created.error());
  context.worker.changed(created->change);
  co_return ok("Create completed", "MAILBOXID (" + to_text(created->id) + ")");
}

Handled handle_delete(Context& context, const Command& command) {
  CO_TRY(const NamedMailbox found,
         co_await find_mailbox(context, command.as<MailboxCommand>().mailbox, false, store::kDeleteMailbox));
  if (found.mailbox.special_use == "inbox") co_return no(code::kCannot, "INBOX cannot be deleted");
  CO_TRY(const auto change, co_await context.worker.mailboxes.remove(found.account, found.mailbox.id, true,
                                                                     context.store_deadline()));
  if (context.selected && context.selected->mailbox->id() == found.mailbox.id) {
    context.unselect();
    context.out.untagged_status(Status::ok, code::kClosed, "The mailbox was deleted");
  }
  context.worker.changed(change);
  co_return ok("Delete completed");
}

namespace {

Handled rename_inbox(Context& context, const Place& place) {
  CO_TRY(const auto moved, co_await context.worker.mailboxes.rename_inbox(
                               DeliveryId::make(), context.account(), place.path, context.store_deadline()));
  context.worker.changed(moved.change);
  // INBOX keeps its annotations, the new mailbox has them, too (RFC 5464 §4.1).
  CO_TRY(const NamedMailbox inbox, co_await find_mailbox(context, "INBOX", true, 0));
  CO_TRY_VOID(co_await context.worker.annotations.copy(context.account(), inbox.mailbox.id, moved.id,
                                                       context.store_deadline()));
  if (context.selected)
    (void)co_await context.worker.registry.refresh(*context.selected->mailbox, context.store_deadline());
  co_return ok("Rename completed: the messages of INBOX were moved");
}

}  // namespace

Handled handle_rename(Context& context, const Command& command) {
  const auto& rename = command.as<RenameCommand>();
  CO_TRY(const std::string to, name_from_wire(context, rename.to));
  CO_TRY(const NamedMailbox found, co_await find_mailbox(context, rename.from, false, store::kDeleteMailbox));
  CO_TRY(const Place place, co_await place_for_new(context, to));
  if (place.account != found.account)
    co_return no(code::kCannot, "A mailbox cannot be renamed into another account");
  if (found.mailbox.special_use == "inbox") co_return co_await rename_inbox(context, place);
  store::MailboxUpdate update;
  update.path = place.path;
  CO_TRY(const auto change,
         co_await context.worker.mailboxes.update(found.account, found.mailbox.id, std::move(update),
                                                  context.store_deadline()));
  context.worker.changed(change);
  if (context.enabled.rev2)  // RFC 9051 §6.3.6: the new name, with its old one
    context.out.untagged()
        .raw("LIST () \"/\" ")
        .mailbox(to)
        .raw(" (\"OLDNAME\" (")
        .mailbox(found.name)
        .raw("))")
        .crlf();
  co_return ok("Rename completed");
}

Handled handle_subscribe(Context& context, const Command& command) {
  const bool wanted = command.verb == Verb::subscribe;
  if (!wanted) {
    CO_TRY(std::string name, name_from_wire(context, command.as<MailboxCommand>().mailbox));
    CO_TRY(const bool lost, co_await context.worker.mailboxes.unsubscribe_lost(
                                context.account(), std::move(name), context.store_deadline()));
    if (lost) co_return ok("Unsubscribe completed");
  }
  CO_TRY(const NamedMailbox found,
         co_await find_mailbox(context, command.as<MailboxCommand>().mailbox, false,
                               wanted ? store::Rights{store::kLookup} : store::Rights{0}));
  if (found.account != context.account()) {
    CO_TRY(const auto change,
           co_await context.worker.sharing.subscribe(context.account(), found.account, found.mailbox.id,
                                                     wanted, context.store_deadline()));
    context.worker.changed(change);
  } else if (found.mailbox.subscribed != wanted) {
    store::MailboxUpdate update;
    update.subscribed = wanted;
    CO_TRY(const auto change,
           co_await context.worker.mailboxes.update(context.account(), found.mailbox.id, std::move(update),
                                                    context.store_deadline()));
    context.worker.changed(change);
  }
  co_return ok(wanted ? "Subscribe completed" : "Unsubscribe completed");
}

}  // namespace dromos::imapd
