// SETACL, DELETEACL, GETACL, LISTRIGHTS and MYRIGHTS (RFC 4314 §3). The owner has all rights and stands first
// in the list; others are logins, "group:" with a group's address, "anyone", and these with "-".
#include "common/base/strings.h"
#include "common/store/errc.h"
#include "imapd/commands/handlers.h"
#include "imapd/commands/mailbox_names.h"

namespace dromos::imapd {
namespace {

Handled change_acl(Context& context, const Command& command, const NamedMailbox& found) {
  const auto& acl = command.as<AclCommand>();
  const auto rights = store::rights_of(acl.rights);
  if (!rights) co_return bad("The rights are " + std::string(store::kRightLetters));
  auto op = store::AclOp::replace;
  if (acl.change == AclCommand::Change::add) op = store::AclOp::add;
  if (acl.change == AclCommand::Change::remove) op = store::AclOp::remove;
  CO_TRY(const auto change,
         co_await context.worker.sharing.set_acl(found.account, found.mailbox.id, to_lower(acl.identifier),
                                                 op, *rights, context.store_deadline()));
  context.worker.changed(change);
  // Whoever watches and could see nothing of this account until now hears of it, too.
  if (change) context.worker.changed({kSharing, change.modseq});
  co_return ok(command.verb == Verb::set_acl ? "Setacl completed" : "Deleteacl completed");
}

/// The owner's login, which stands in no list.
Task<Result<std::string>> owner_of(Context& context, const NamedMailbox& found) {
  if (found.account == context.account()) co_return context.who.login;
  CO_TRY(const auto owner,
         co_await context.worker.directory.account(found.account, context.store_deadline()));
  co_return owner.login;
}

Handled get_acl(Context& context, const NamedMailbox& found) {
  CO_TRY(const std::string owner, co_await owner_of(context, found));
  CO_TRY(const auto list,
         co_await context.worker.sharing.acl(found.account, found.mailbox.id, context.store_deadline()));
  Writer& out = context.out;
  out.untagged().raw("ACL ").mailbox(found.name).sp().astring(owner);
  out.sp().raw(store::letters_of(store::kAllRights));
  for (const store::AclEntry& entry : list)
    out.sp().astring(entry.identifier).sp().raw(store::letters_of(entry.rights));
  out.crlf();
  co_return ok("Getacl completed");
}

/// Every right can be given for itself; the owner's cannot be taken away.
Handled list_rights(Context& context, const std::string& identifier, const NamedMailbox& found) {
  CO_TRY(const std::string owner, co_await owner_of(context, found));
  Writer& out = context.out;
  out.untagged().raw("LISTRIGHTS ").mailbox(found.name).sp().astring(identifier);
  if (iequals(identifier, owner)) {
    out.sp().raw(store::letters_of(store::kAllRights));
  } else {
    out.raw(" \"\"");
    for (const char letter : store::kRightLetters) out.sp().ch(letter);
    out.raw(" c d");
  }
  out.crlf();
  co_return ok("Listrights completed");
}

}  // namespace

Handled handle_acl(Context& context, const Command& command) {
  const bool get = command.verb == Verb::get_acl;
  const std::string& name = get ? command.as<MailboxCommand>().mailbox : command.as<AclCommand>().mailbox;
  CO_TRY(const NamedMailbox found, co_await find_mailbox(context, name, false, store::kAdminister));
  if (get) co_return co_await get_acl(context, found);
  if (command.verb == Verb::list_rights)
    co_return co_await list_rights(context, command.as<AclCommand>().identifier, found);
  co_return co_await change_acl(context, command, found);
}

void write_my_rights(Context& context, const NamedMailbox& named) {
  context.out.untagged()
      .raw("MYRIGHTS ")
      .mailbox(named.name)
      .sp()
      .raw(store::letters_of(named.rights))
      .crlf();
}

Handled handle_my_rights(Context& context, const Command& command) {
  CO_TRY(const NamedMailbox found,
         co_await find_mailbox(context, command.as<MailboxCommand>().mailbox, false, 0));
  constexpr store::Rights kAnyOf = store::kLookup | store::kRead | store::kInsert | store::kCreate |
                                   store::kDeleteMailbox | store::kAdminister;
  if ((found.rights & kAnyOf) == 0) co_return fail(store::StoreErrc::not_found, "no such mailbox");
  write_my_rights(context, found);
  co_return ok("Myrights completed");
}

}  // namespace dromos::imapd
