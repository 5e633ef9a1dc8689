// A parsed IMAP command: tag, verb and the arguments of that verb. Owns all its strings.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "imapd/protocol/command_access.h"
#include "imapd/protocol/command_append.h"
#include "imapd/protocol/command_fetch.h"
#include "imapd/protocol/command_mailbox.h"
#include "imapd/protocol/command_search.h"
#include "imapd/protocol/command_session.h"

namespace dromos::imapd {

enum class Verb : uint8_t {
  append,
  authenticate,
  cancel_update,
  capability,
  check,
  close,
  comparator,
  compress,
  copy,
  create,
  delete_acl,
  delete_mailbox,
  enable,
  esearch,
  examine,
  expunge,
  fetch,
  gen_url_auth,
  get_acl,
  get_metadata,
  get_quota,
  get_quota_root,
  id,
  idle,
  language,
  list,
  list_rights,
  login,
  logout,
  lsub,
  move,
  my_rights,
  name_space,
  noop,
  notify,
  rename,
  replace,
  reset_key,
  search,
  select,
  set_acl,
  set_metadata,
  set_quota,
  sort,
  start_tls,
  status,
  store,
  subscribe,
  thread,
  unauthenticate,
  unselect,
  unsubscribe,
  url_fetch,
};
inline constexpr size_t kVerbCount = static_cast<size_t>(Verb::url_fetch) + 1;

/// "FETCH".
std::string_view name(Verb verb);

using Arguments =
    std::variant<NoArguments, AuthenticateCommand, LoginCommand, EnableCommand, IdCommand, CompressCommand,
                 ListOfStrings, NotifyCommand, SelectCommand, MailboxCommand, CreateCommand, RenameCommand,
                 StatusCommand, ListCommand, AclCommand, GetQuotaCommand, SetQuotaCommand, GetMetadataCommand,
                 SetMetadataCommand, UrlCommand, ResetKeyCommand, FetchCommand, StoreCommand, CopyCommand,
                 ExpungeCommand, AppendCommand, ReplaceCommand, SearchCommand, SortCommand, ThreadCommand,
                 EsearchCommand>;

struct Command {
  std::string tag;
  Verb verb = Verb::noop;
  bool uid = false;  // UID FETCH and so on
  Arguments arguments;

  /// The arguments as type T, which must be that of the verb.
  template <class T>
  const T& as() const {
    return std::get<T>(arguments);
  }
  template <class T>
  T& as() {
    return std::get<T>(arguments);
  }
};

}  // namespace dromos::imapd
