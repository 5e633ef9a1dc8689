// The handlers of all verbs, one file each (<verb>.cpp). A handler writes its untagged responses and returns
// the tagged answer; an error becomes NO by reply_for. Untagged news of the selected mailbox are written by
// dispatch.
#pragma once

#include "imapd/commands/context.h"
#include "imapd/service/namespaces.h"

namespace dromos::imapd {

using Handled = Task<Result<Reply>>;

Handled handle_acl(Context& context, const Command& command);  // SETACL, DELETEACL, GETACL, LISTRIGHTS
Handled handle_append(Context& context, const Command& command);
Handled handle_authenticate(Context& context, const Command& command);
Handled handle_cancel_update(Context& context, const Command& command);
Handled handle_capability(Context& context, const Command& command);
Handled handle_check(Context& context, const Command& command);
Handled handle_close(Context& context, const Command& command);
Handled handle_compress(Context& context, const Command& command);
Handled handle_copy(Context& context, const Command& command);  // and MOVE
Handled handle_create(Context& context, const Command& command);
Handled handle_delete(Context& context, const Command& command);
Handled handle_enable(Context& context, const Command& command);
Handled handle_esearch(Context& context, const Command& command);
Handled handle_expunge(Context& context, const Command& command);
Handled handle_fetch(Context& context, const Command& command);
Handled handle_gen_url_auth(Context& context, const Command& command);
Handled handle_get_metadata(Context& context, const Command& command);
Handled handle_get_quota(Context& context, const Command& command);
Handled handle_get_quota_root(Context& context, const Command& command);
Handled handle_set_quota(Context& context, const Command& command);
Handled handle_id(Context& context, const Command& command);
Handled handle_idle(Context& context, const Command& command);
Handled handle_language(Context& context, const Command& command);
Handled handle_list(Context& context, const Command& command);  // and LSUB
Handled handle_login(Context& context, const Command& command);
Handled handle_logout(Context& context, const Command& command);
Handled handle_my_rights(Context& context, const Command& command);
Handled handle_namespace(Context& context, const Command& command);
Handled handle_noop(Context& context, const Command& command);
Handled handle_notify(Context& context, const Command& command);
Handled handle_rename(Context& context, const Command& command);
Handled handle_replace(Context& context, const Command& command);
Handled handle_reset_key(Context& context, const Command& command);
Handled handle_search(Context& context, const Command& command);
Handled handle_select(Context& context, const Command& command);  // and EXAMINE
Handled handle_set_metadata(Context& context, const Command& command);
Handled handle_sort(Context& context, const Command& command);
Handled handle_start_tls(Context& context, const Command& command);
Handled handle_status(Context& context, const Command& command);
Handled handle_store(Context& context, const Command& command);
Handled handle_subscribe(Context& context, const Command& command);  // and UNSUBSCRIBE
Handled handle_unauthenticate(Context& context, const Command& command);
Handled handle_thread(Context& context, const Command& command);
Handled handle_unselect(Context& context, const Command& command);

/// FETCH responses for messages by number, ascending, in what the client was told.
Task<Result<void>> fetch_messages(Context& context, const std::vector<FetchItem>& items,
                                  std::vector<uint32_t> numbers);
Handled handle_url_fetch(Context& context, const Command& command);

/// Text of the CAPABILITY response in this state, without the word itself.
std::string capabilities(const Context& context);
/// "* MYRIGHTS name rights", for MYRIGHTS and LIST-MYRIGHTS.
void write_my_rights(Context& context, const NamedMailbox& named);
/// A status line's items "(MESSAGES 3 ...)" for STATUS and LIST-STATUS.
void write_status(Context& context, const store::Mailbox& mailbox, std::string_view name, uint16_t items,
                  uint64_t recent = 0);
/// For RECENT among the items, otherwise 0.
Task<Result<uint64_t>> count_recent(Context& context, const NamedMailbox& named, uint16_t items);

/// Whether the session's account is one of imapd.quota_admins.
bool may_set_quota(const Context& context);

}  // namespace dromos::imapd
