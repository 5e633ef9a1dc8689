// The small commands: NOOP, CHECK, LOGOUT, ID (RFC 2971), ENABLE (RFC 5161), NAMESPACE (RFC 2342).
#include "common/base/strings.h"
#include "imapd/commands/handlers.h"
#include "imapd/commands/live_search.h"
#include "imapd/commands/metadata_watch.h"

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
    } else if (capability == "UIDONLY") {
      context.enabled.uid_only = true;
      if (context.selected) tell_uids(context);
    } else if (capability == "CONDSTORE") {
      context.enable_condstore();
    } else if (capability == "QRESYNC") {
      context.enable_condstore();
      context.enabled.qresync = true;
    } else if (capability == "METADATA" || capability == "METADATA-SERVER") {
      CO_TRY(const bool watched, co_await enable_metadata(context, capability == "METADATA"));
      if (!watched) continue;
    } else {
      continue;  // RFC 5161 §3.1: unknown names are ignored
    }
    done += ' ' + capability;
  }
  context.out.untagged().raw("ENABLED").raw(done).crlf();
  co_return ok("Enable completed");
}

/// i-default is English that everybody can read (RFC 2277 §4.5), so choosing between the two changes no text.
Handled handle_language(Context& context, const Command& command) {
  const auto& ranges = command.as<ListOfStrings>().values;
  if (ranges.empty()) {
    context.out.untagged().raw("LANGUAGE (EN i-default)").crlf();
    co_return ok("Languages listed");
  }
  for (const std::string& range : ranges) {
    // Lookup (RFC 4647 §3.4): the range with subtags taken off its end.
    const bool english = iequals(range, "en") || istarts_with(range, "en-") || iequals(range, "default");
    if (!english && !iequals(range, "i-default")) continue;
    context.out.untagged().raw(english ? "LANGUAGE (EN)" : "LANGUAGE (i-default)").crlf();
    co_return ok("Now speaking English");
  }
  co_return no("", "That language is not supported");
}

}  // namespace dromos::imapd
