// DirectoryAdmin: changes to domains, accounts, addresses and secrets. For admind (role dromos_admind) and
// for dromosctl over the owner's connection; other roles get permission_denied. Every change raises the
// config epoch. Errors: Errc::not_found, already_exists, conflict (still in use), invalid_argument;
// directory::Errc for bad addresses and hashes; temporary ones of common/db.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/async/task.h"
#include "common/base/clock.h"
#include "common/base/result.h"
#include "common/directory/admin_types.h"
#include "common/directory/errc.h"
#include "common/directory/password.h"

namespace dromos::db {
class Pool;
class Params;
class Rows;
struct Statement;
}  // namespace dromos::db

namespace dromos::directory {

class HashGate;
struct ImportJob;
struct PreparedSlice;

class DirectoryAdmin {
 public:
  /// Passwords are hashed under `gate`; the process's LoginState has one.
  DirectoryAdmin(db::Pool& pool, HashGate& gate) : pool_(pool), gate_(gate) {}

  Task<Result<int64_t>> create_domain(NewDomain domain, Deadline deadline);
  Task<Result<void>> update_domain(std::string name, DomainChange change, Deadline deadline);
  /// conflict while it has addresses.
  Task<Result<void>> delete_domain(std::string name, Deadline deadline);
  /// Ordered by name, from after `after`; at most 1,000.
  Task<Result<std::vector<Domain>>> list_domains(std::string after, int limit, Deadline deadline);

  Task<Result<AccountId>> create_account(NewAccount account, Deadline deadline);
  Task<Result<void>> update_account(std::string login, AccountChange change, Deadline deadline);
  Task<Result<void>> rename_account(std::string login, std::string new_login, Deadline deadline);
  Task<Result<AccountId>> delete_account(std::string login, Deadline deadline);
  Task<Result<Account>> get_account(std::string login, Deadline deadline);
  /// Ordered by id.
  Task<Result<std::vector<Account>>> list_accounts(AccountFilter filter, Deadline deadline);
  Task<Result<void>> set_password(std::string login, std::string password, Deadline deadline);
  /// An imported hash (parse_password_hash), or none: then only app passwords and keys let in.
  Task<Result<void>> set_password_hash(std::string login, StoredPassword password, Deadline deadline);

  /// Makes or replaces an alias, group or catch-all (local part ""). Local targets must exist.
  Task<Result<int64_t>> put_address(NewAddress address, Deadline deadline);
  Task<Result<void>> delete_address(std::string address, Deadline deadline);
  /// An alias, group or catch-all by its address; not_found also for accounts.
  Task<Result<Address>> get_address(std::string address, Deadline deadline);
  Task<Result<std::vector<Address>>> list_addresses(AddressFilter filter, Deadline deadline);

  /// The text is shown once and not kept. Scopes: imap, smtp, pop3, jmap.
  Task<Result<NewSecret>> create_app_password(std::string login, SecretSpec spec, Deadline deadline);
  Task<Result<std::vector<SecretInfo>>> list_app_passwords(std::string login, Deadline deadline);
  Task<Result<void>> delete_app_password(std::string login, int64_t id, Deadline deadline);
  Task<Result<NewSecret>> create_api_key(KeyOwner owner, SecretSpec spec, Deadline deadline);
  Task<Result<std::vector<SecretInfo>>> list_api_keys(KeyOwner owner, Deadline deadline);
  Task<Result<void>> delete_api_key(int64_t id, Deadline deadline);

  /// Many accounts; rows that cannot be are reported, the others go in, 500 a transaction. Passwords in the
  /// clear become SCRAM verifiers first (make_scram_password), so that 10,000 take seconds, not minutes.
  Task<Result<std::vector<ImportOutcome>>> import_accounts(std::vector<ImportRow> rows, Deadline deadline);

 private:
  Task<Result<StoredPassword>> hash(std::string password);
  Task<Result<std::vector<std::string>>> sha1_domains(Deadline deadline);
  Task<void> prepare_slices(ImportJob& job);
  Task<Result<void>> store_slice(const PreparedSlice& slice, std::vector<ImportOutcome>* outcomes,
                                 Deadline deadline);

  db::Pool& pool_;
  HashGate& gate_;
};

}  // namespace dromos::directory
