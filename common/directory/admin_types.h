// Values of the directory's administration. Optional members of a change: nothing leaves it as it is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/base/ids.h"

namespace dromos::directory {

struct NewDomain {
  std::string name;
  bool enabled = true;
  bool scram_sha1 = false;
};
struct DomainChange {
  std::optional<bool> enabled;
  std::optional<bool> scram_sha1;
};
struct Domain {
  int64_t id = 0;
  std::string name;
  bool enabled = true;
  bool scram_sha1 = false;
  std::vector<std::string> catch_all;  // targets
  int64_t accounts = 0;
  int64_t created_us = 0;
};

struct NewAccount {
  std::string login;
  std::string display_name;
  int64_t quota_bytes = 0;  // 0: no limit
  bool enabled = true;
  std::optional<std::string> password;  // none: no password yet
};
struct AccountChange {
  std::optional<std::string> display_name;
  std::optional<int64_t> quota_bytes;
  std::optional<bool> enabled;
  std::optional<bool> shared;
};
struct Account {
  AccountId id;
  std::string login;
  std::string display_name;
  bool enabled = true;
  bool shared = false;  // nobody's own: its mailboxes are there for others, nobody logs in
  int64_t quota_bytes = 0;
  int64_t epoch = 0;
  std::string password_scheme;  // argon2id, crypt, scram; empty: none
  std::string password_hash;    // for export; never to be shown or logged
  bool scram = false;
  int64_t app_passwords = 0;
  int64_t created_us = 0;
};
struct AccountFilter {
  std::string domain;  // empty: all
  std::string match;   // piece of login or display name
  int64_t after = 0;   // last id seen
  int limit = 100;     // at most 1,000
};

enum class AddressKind { alias, group, catch_all };
struct NewAddress {
  AddressKind kind = AddressKind::alias;
  std::string address;  // "@example.test" for a catch-all
  std::vector<std::string> targets;
  std::string display_name;
  bool send_as = true;
  bool enabled = true;
};
struct Address {
  int64_t id = 0;
  AddressKind kind = AddressKind::alias;
  std::string address;
  std::vector<std::string> targets;
  std::string display_name;
  bool send_as = true;
  bool enabled = true;
  int64_t created_us = 0;
};
struct AddressFilter {
  std::string domain;
  std::optional<AddressKind> kind;
  int64_t after = 0;
  int limit = 100;
};

struct SecretSpec {
  std::string label;
  std::vector<std::string> scopes;
  std::optional<int64_t> expires_us;
};
struct NewSecret {
  int64_t id = 0;
  std::string text;
};
struct SecretInfo {
  int64_t id = 0;
  std::string label;
  std::vector<std::string> scopes;
  std::optional<int64_t> expires_us;
  int64_t created_us = 0;
  std::optional<int64_t> last_used_us;
};
struct KeyOwner {
  bool is_account = true;
  std::string name;  // login, or administrator's name
};

struct ImportRow {
  std::string login;
  std::string display_name;
  int64_t quota_bytes = 0;
  bool enabled = true;
  std::string password;       // in the clear, or
  std::string password_hash;  // "{SHA512-CRYPT}$6$...": parse_password_hash
};
struct ImportOutcome {
  AccountId account;   // zero: refused
  std::string reason;  // why
};

}  // namespace dromos::directory
