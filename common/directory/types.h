// Plain values that the directory hands out.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/ids.h"
#include "common/sasl/scram_verifier.h"

namespace dromos::directory {

/// Why an address takes no mail.
enum class Reject { none, not_local, unknown, disabled, domain_disabled, no_target, too_deep, too_many };
std::string_view to_string(Reject reject);

/// One place that mail for an address goes to: an account of ours, or an address elsewhere.
struct Recipient {
  AccountId account;    // zero: remote
  std::string address;  // login of the account, or the remote address
  std::string detail;   // what stood after "+", as given; only where no alias lay between
  bool is_remote() const { return !account; }
};

/// Either targets (at least one, each once) or a reason.
struct RecipientResolution {
  std::vector<Recipient> targets;
  Reject reject = Reject::none;
  bool accepted() const { return reject == Reject::none; }
};

enum class Via { password, scram, certificate, app_password, api_key };

/// Who logged in, and what that login may do.
struct Identity {
  AccountId account;
  std::string login;
  std::string display_name;
  int64_t epoch = 0;  // of the account: anything remembered about it dies when it changes
  Via via = Via::password;
  std::string label;                // of the app password or API key
  std::vector<std::string> scopes;  // app passwords and API keys; passwords may do all
  bool may_use(std::string_view scope) const;
};

/// Verifier for one SCRAM exchange. For a login that does not exist it is a lasting fake: run the exchange,
/// which then fails at its end like any wrong password.
struct ScramLogin {
  bool exists = false;
  bool enabled = false;
  Identity identity;
  sasl::ScramVerifier verifier;
};

/// Who holds an API key: an account or an administrator.
struct ApiKeyOwner {
  int64_t key_id = 0;
  AccountId account;             // zero for administrators
  int64_t administrator_id = 0;  // zero for accounts
  std::string owner;             // login, or administrator's name
  std::string role;              // administrators: owner, operator, auditor
  std::string display_name;
  int64_t epoch = 0;
  std::string label;
  std::vector<std::string> scopes;
  bool may_use(std::string_view scope) const;
};

struct AccountInfo {
  AccountId id;
  std::string login;
  std::string display_name;
  bool enabled = false;
  int64_t epoch = 0;
  int64_t quota_bytes = 0;
};

struct Group {
  int64_t id = 0;
  std::string address;
};

}  // namespace dromos::directory
