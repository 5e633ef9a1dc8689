// Context: one API request on its way through its method calls.
#pragma once

#include <set>
#include <string>

#include "common/base/clock.h"
#include "common/directory/types.h"
#include "jmapd/protocol/request.h"
#include "jmapd/protocol/values.h"
#include "jmapd/service/services.h"

namespace dromos::jmapd {

class Arguments;

inline constexpr std::string_view kCore = "urn:ietf:params:jmap:core";
inline constexpr std::string_view kMail = "urn:ietf:params:jmap:mail";

struct Context {
  Services& services;
  AccountId own;      ///< the account of who asks
  std::string login;  ///< its address
  Deadline deadline;
  CreatedIds created;
  bool remove_emails = false;  ///< onDestroyRemoveEmails of the Mailbox/set that runs

  /// The "accountId" argument: accountNotFound unless it may be used.
  Outcome<AccountId> account(Arguments& arguments) const;
  /// An id as given, or what the creation id behind "#" became; invalid ones give nothing.
  std::optional<std::string> record_id(const std::string& given) const;
  const config::JmapLimits& limits() const { return services.shared.limits; }
};

}  // namespace dromos::jmapd
