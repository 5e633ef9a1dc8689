// The small commands: NOOP, CHECK, LOGOUT, ID (RFC 2971), ENABLE (RFC 5161), NAMESPACE (RFC 2342).
#include "imapd/commands/handlers.h"

namespace dromos::imapd {

/// NOOP is how a client polls, so it asks the store.
Handled handle_noop(Context& context, const Command& command) {
  if (context.selected)
    CO_TRY_VOID(
        co_await context.worker.registry.refresh(*context.selected->mailbox, context.store_deadline()));
  co_return ok("Done");
}

Handled handle_check(Context& context, const Command& command) {
  co_return co_await handle_noop(context, command);
}

Handled handle_logout(Context& context, const Command& command) {
  context.out.untagged_status(Status::bye, "", "Good bye");
  context.unselect();
  context.state = State::logout;
  co_return ok("Logout completed");
}

Handled handle_id(Context& context, const Command& command) {
  context.out.untagged().raw("ID (\"name\" \"Dromos\")").crlf();
  co_return ok("Id completed");
}

Handled handle_namespace(Context& context, const Command& command) {
  context.out.untagged()
      .raw("NAMESPACE ((\"\" \"/\")) ((\"Other Users/\" \"/\")) ((\"Shared Folders/\" \"/\"))")
      .crlf();
  co_return ok("Namespace completed");
}

Handled handle_enable(Context& context, const Command& command) {
  std::string done;
  for (const std::string& capability : command.as<EnableCommand>().capabilities) {
    if (capability == "IMAP4REV2") {
      context.enable_rev2();
    } else if (capability == "UTF8=ACCEPT") {
      context.enable_utf8();
    } else if (capability == "CONDSTORE") {
      context.enabled.condstore = true;
    } else if (capability == "QRESYNC") {
      context.enabled.qresync = context.enabled.condstore = true;
    } else {
      continue;  // RFC 5161 §3.1: unknown names are ignored
    }
    done += ' ' + capability;
  }
  context.out.untagged().raw("ENABLED").raw(done).crlf();
  co_return ok("Enable completed");
}

}  // namespace dromos::imapd
