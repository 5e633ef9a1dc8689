// Who asks, and what that one may do: the scopes of the key, within the role of its owner.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/ids.h"

namespace dromos::admind {

struct Actor {
  enum class Kind : uint8_t { nobody, administrator, account } kind = Kind::nobody;
  std::string name;   // administrator's name, or login
  std::string role;   // owner, operator, auditor
  AccountId account;  // of an account
  int64_t key_id = 0;
  std::vector<std::string> scopes;

  /// "domains:write". A key's scopes may be "*", "domains:*", "*:read" or the scope itself. Auditors read
  /// only; operators do not touch administrators; only owners do all.
  bool may(std::string_view scope) const;
  /// True if a key with `scope` would open nothing that this actor may not do.
  bool may_grant(std::string_view scope) const;
  /// For logs, idempotency keys and the audit log: "admin:root", "account:a@example.test".
  std::string label() const;
};

inline constexpr std::string_view kRoles[] = {"owner", "operator", "auditor"};

/// True if the granted scope covers the wanted one.
bool scope_covers(std::string_view granted, std::string_view wanted);

}  // namespace dromos::admind
