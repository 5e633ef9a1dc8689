// CAPABILITY (RFC 9051 §6.1.1): only what works, and in this state.
#include "imapd/commands/auth.h"
#include "imapd/commands/handlers.h"

namespace dromos::imapd {

std::string capabilities(const Context& context) {
  std::string list = "IMAP4rev1 IMAP4rev2 LITERAL+ ENABLE ID SASL-IR LANGUAGE";
  if (context.state == State::not_authenticated) {
    if (may_start_tls(context)) list += " STARTTLS";
    if (!may_send_password(context)) list += " LOGINDISABLED";
    for (const std::string& mechanism : offered_mechanisms(context)) list += " AUTH=" + mechanism;
    return list;
  }
  list +=
      " IDLE INPROGRESS NAMESPACE ACL RIGHTS=kxte LIST-MYRIGHTS NOTIFY UNSELECT UIDPLUS CHILDREN "
      "LIST-EXTENDED "
      "LIST-STATUS "
      "SPECIAL-USE CREATE-SPECIAL-USE "
      "MOVE"
      " MULTIAPPEND CATENATE REPLACE UTF8=ACCEPT UIDONLY URLAUTH URLAUTH=BINARY METADATA METADATA-SERVER "
      "LIST-METADATA "
      "BINARY CONDSTORE QRESYNC ESEARCH SEARCHRES SORT ESORT SORT=DISPLAY THREAD=ORDEREDSUBJECT"
      " THREAD=REFERENCES PARTIAL CONTEXT=SEARCH CONTEXT=SORT SEARCH=FUZZY MULTISEARCH I18NLEVEL=1 WITHIN "
      "PREVIEW SAVEDATE STATUS=SIZE OBJECTID "
      "QUOTA"
      " QUOTA=RES-STORAGE QUOTA=RES-MESSAGE QUOTA=RES-MAILBOX APPENDLIMIT=";
  list += std::to_string(context.worker.config.limits.append_size.bytes);
  if (const uint32_t messages = context.worker.config.limits.messages_per_command; messages != 0)
    list += " MESSAGELIMIT=" + std::to_string(messages);
  if (may_set_quota(context)) list += " QUOTASET";
  if (!context.stream.is_compressed()) list += " COMPRESS=DEFLATE";
  if (context.worker.config.unauthenticate) list += " UNAUTHENTICATE";
  return list;
}

Handled handle_capability(Context& context, const Command& command) {
  context.out.untagged().raw("CAPABILITY ").raw(capabilities(context)).crlf();
  co_return ok("Capability completed");
}

}  // namespace dromos::imapd
