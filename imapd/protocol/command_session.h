// Arguments of the commands about the connection itself. Strings are the client's octets, unquoted.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "imapd/protocol/command_fetch.h"

namespace dromos::imapd {

/// CAPABILITY NOOP LOGOUT STARTTLS CHECK CLOSE UNSELECT IDLE NAMESPACE UNAUTHENTICATE; EXPUNGE without UID.
struct NoArguments {};

struct AuthenticateCommand {
  std::string mechanism;                        // upper case
  std::optional<std::string> initial_response;  // decoded; "" for "="
};

struct LoginCommand {
  std::string user;
  std::string password;
};

struct EnableCommand {
  std::vector<std::string> capabilities;  // upper case
};

/// RFC 2971: NIL or pairs.
struct IdCommand {
  std::vector<std::pair<std::string, std::optional<std::string>>> fields;
};
inline constexpr size_t kMaxIdFields = 30;
inline constexpr size_t kMaxIdKey = 30;
inline constexpr size_t kMaxIdValue = 1024;

struct CompressCommand {
  std::string algorithm;  // upper case
};

/// LANGUAGE (RFC 5255 §3.1), COMPARATOR (§4.7), CANCELUPDATE (RFC 5267 §4.3.2): a list of strings.
struct ListOfStrings {
  std::vector<std::string> values;
};

/// What a NOTIFY group or an ESEARCH source names (RFC 5465 §6, RFC 7377 §2.2).
struct MailboxFilter {
  enum class Kind {
    selected,
    selected_delayed,
    inboxes,
    personal,
    subscribed,
    subtree,
    subtree_one,
    mailboxes
  };
  Kind kind = Kind::selected;
  std::vector<std::string> mailboxes;  // wire form; subtree, subtree_one and mailboxes only
};

/// RFC 5465.
struct NotifyCommand {
  enum Event : uint16_t {
    kMessageNew = 1,
    kMessageExpunge = 2,
    kFlagChange = 4,
    kAnnotationChange = 8,
    kMailboxName = 16,
    kSubscriptionChange = 32,
    kMailboxMetadataChange = 64,
    kServerMetadataChange = 128,
  };
  struct Group {
    MailboxFilter filter;
    uint16_t events = 0;                      // 0: NONE
    std::vector<std::string> unknown_events;  // answer NO [BADEVENT (...)]
    std::vector<FetchItem> fetch;             // of MessageNew
  };
  bool none = false;
  bool status = false;
  std::vector<Group> groups;
};

}  // namespace dromos::imapd
