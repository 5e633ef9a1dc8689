// The three namespaces (RFC 2342): a reader's own mailboxes at the root, those of persons who share some
// below "Other Users/<login>/", those of accounts that exist to be shared below "Shared Folders/<login>/".
//
// Of others' mailboxes only those exist on which the reader has a right (RFC 4314).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/store/mailboxes.h"
#include "common/store/sharing.h"
#include "imapd/service/worker.h"

namespace dromos::imapd {

inline constexpr std::string_view kOtherUsers = "Other Users";
inline constexpr std::string_view kSharedFolders = "Shared Folders";

/// A mailbox as the reader sees it.
struct NamedMailbox {
  AccountId account;  // whose it is
  store::Rights rights = store::kAllRights;
  store::Mailbox mailbox;  // subscribed: by the reader
  std::string name;
  bool own_seen = false;      // \Seen is the reader's own, and mailbox.all.seen counts it
  bool has_children = false;  // known of own_mailboxes() only
  bool may(store::Rights needed) const { return (rights & needed) == needed; }
};

/// "Other Users/ann@example.org/Work/2026" taken apart; nothing for a name of the reader's own.
struct ForeignName {
  std::string prefix;             // "Other Users/ann@example.org/"
  std::vector<std::string> path;  // in the owner's tree; may be empty
};
std::optional<ForeignName> foreign_name(std::string_view name);
/// The root of one of the namespaces, or below it: not for mailboxes of one's own.
bool is_reserved(std::string_view name);
std::string prefix_of(const store::SharedMailboxInfo& info);

/// All that the reader may see, by account; those of others need one of `rights`.
Task<Result<std::vector<NamedMailbox>>> visible_mailboxes(Worker& worker, AccountId reader,
                                                          store::Rights rights, Deadline deadline);

/// Those of others only.
Task<Result<std::vector<NamedMailbox>>> foreign_mailboxes(Worker& worker, AccountId reader,
                                                          store::Rights rights, Deadline deadline);
/// Of the reader's own those in one of the ranges, each once, however many others there are.
Task<Result<std::vector<NamedMailbox>>> own_mailboxes(Worker& worker, AccountId reader,
                                                      std::vector<store::MailboxRange> ranges,
                                                      Deadline deadline);
/// Whether names that begin so may be those of others' mailboxes.
bool may_be_foreign(std::string_view prefix);

/// Where a name leads: to a mailbox, or to a place where one could be made.
struct Place {
  AccountId account;
  std::vector<std::string> path;      // in that account's tree
  std::optional<NamedMailbox> found;  // mailbox at the path
  store::Rights parent_rights = 0;    // on the nearest mailbox above it
};
/// StoreErrc::not_found: the name lies with somebody of whom the reader sees nothing.
Task<Result<Place>> find_place(Worker& worker, AccountId reader, std::string name, Deadline deadline);

}  // namespace dromos::imapd
