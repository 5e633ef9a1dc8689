// DirectoryAdmin: domains and accounts.
#include "common/directory/admin.h"

#include "common/base/strings.h"
#include "common/db/pool.h"
#include "common/directory/address_text.h"
#include "common/directory/login_state.h"
#include "common/directory/sql.h"
#include "common/sasl/saslprep.h"

namespace dromos::directory {

namespace {

constexpr db::Statement kDomainCreate{"directory_domain_create",
                                      "SELECT directory.domain_create_v1($1, $2, $3)"};
constexpr db::Statement kDomainUpdate{"directory_domain_update",
                                      "SELECT directory.domain_update_v1($1, $2, $3)"};
constexpr db::Statement kDomainDelete{"directory_domain_delete", "SELECT directory.domain_delete_v1($1)"};
constexpr db::Statement kDomainList{"directory_domain_list",
                                    "SELECT id, name, enabled, scram_sha1, catch_all, accounts, created_us"
                                    " FROM directory.domain_list_v1($1, $2)"};
constexpr db::Statement kAccountCreate{
    "directory_account_create",
    "SELECT directory.account_create_v1($1, $2, $3, $4, $5, $6, $7, $8, $9,"
    " $10, $11, $12, $13, $14)"};
constexpr db::Statement kAccountUpdate{"directory_account_update",
                                       "SELECT directory.account_update_v2($1, $2, $3, $4, $5)"};
constexpr db::Statement kAccountRename{"directory_account_rename",
                                       "SELECT directory.account_rename_v1($1, $2)"};
constexpr db::Statement kAccountDelete{"directory_account_delete", "SELECT directory.account_delete_v1($1)"};
#define DROMOS_ACCOUNT_COLUMNS                                                                        \
  "SELECT id, login, display_name, enabled, quota_bytes, epoch, scheme, hash, scram, app_passwords, " \
  "created_us, shared"
constexpr db::Statement kAccountGet{"directory_account_get",
                                    DROMOS_ACCOUNT_COLUMNS " FROM directory.account_get_v2($1)"};
constexpr db::Statement kAccountList{
    "directory_account_list", DROMOS_ACCOUNT_COLUMNS " FROM directory.account_list_v2($1, $2, $3, $4)"};
constexpr db::Statement kPasswordSet{
    "directory_password_set",
    "SELECT directory.password_set_v1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10,"
    " $11)"};

Account read_account(const db::Rows& rows, size_t row) {
  Account account;
  account.id = AccountId{rows.integer(row, 0)};
  account.login = rows.text(row, 1);
  account.display_name = rows.text(row, 2);
  account.enabled = rows.boolean(row, 3);
  account.quota_bytes = rows.integer(row, 4);
  account.epoch = rows.integer(row, 5);
  account.password_scheme = rows.text(row, 6);
  account.password_hash = rows.text(row, 7);
  account.scram = rows.boolean(row, 8);
  account.app_passwords = rows.integer(row, 9);
  account.created_us = rows.integer(row, 10);
  account.shared = rows.boolean(row, 11);
  return account;
}

}  // namespace

Task<Result<StoredPassword>> DirectoryAdmin::hash(std::string password) {
  if (password.empty() || password.size() > sasl::kMaxPassword)
    co_return fail(dromos::Errc::invalid_argument, "a password has 1 to 1024 bytes");
  co_return co_await gate_.run([password = std::move(password)] { return make_password(password); });
}

Task<Result<int64_t>> DirectoryAdmin::create_domain(NewDomain domain, Deadline deadline) {
  CO_TRY(const std::string name, domain_to_ascii(domain.name));
  db::Params params;
  params.add(name).add(domain.enabled).add(domain.scram_sha1);
  CO_TRY(auto rows, co_await call(pool_, kDomainCreate, std::move(params), deadline));
  co_return rows.integer(0, 0);
}

Task<Result<void>> DirectoryAdmin::update_domain(std::string name, DomainChange change, Deadline deadline) {
  CO_TRY(const std::string ascii, domain_to_ascii(name));
  db::Params params;
  params.add(ascii).add(change.enabled).add(change.scram_sha1);
  CO_TRY_VOID(co_await call(pool_, kDomainUpdate, std::move(params), deadline));
  co_return Result<void>();
}

Task<Result<void>> DirectoryAdmin::delete_domain(std::string name, Deadline deadline) {
  CO_TRY(const std::string ascii, domain_to_ascii(name));
  CO_TRY_VOID(co_await call(pool_, kDomainDelete, db::Params().add(ascii), deadline));
  co_return Result<void>();
}

Task<Result<std::vector<Domain>>> DirectoryAdmin::list_domains(std::string after, int limit,
                                                               Deadline deadline) {
  CO_TRY(auto rows, co_await call(pool_, kDomainList, db::Params().add(after).add_int32(limit), deadline));
  std::vector<Domain> domains;
  for (size_t row = 0; row < rows.size(); ++row) {
    Domain domain;
    domain.id = rows.integer(row, 0);
    domain.name = rows.text(row, 1);
    domain.enabled = rows.boolean(row, 2);
    domain.scram_sha1 = rows.boolean(row, 3);
    domain.catch_all = words(rows.bytes(row, 4), '\n');
    domain.accounts = rows.integer(row, 5);
    domain.created_us = rows.integer(row, 6);
    domains.push_back(std::move(domain));
  }
  co_return domains;
}

Task<Result<AccountId>> DirectoryAdmin::create_account(NewAccount account, Deadline deadline) {
  CO_TRY(const std::string login, normalize_address(account.login));
  StoredPassword password;
  if (account.password) {
    CO_TRY(password, co_await hash(std::move(*account.password)));
  }
  db::Params params;
  params.add(login).add(clean_utf8(account.display_name)).add(account.quota_bytes).add(account.enabled);
  add_password(params, password);
  CO_TRY(auto rows, co_await call(pool_, kAccountCreate, std::move(params), deadline));
  co_return AccountId{rows.integer(0, 0)};
}

Task<Result<void>> DirectoryAdmin::update_account(std::string login, AccountChange change,
                                                  Deadline deadline) {
  CO_TRY(const std::string address, normalize_address(login));
  if (change.display_name) change.display_name = clean_utf8(*change.display_name);
  db::Params params;
  params.add(address).add(change.display_name).add(change.quota_bytes).add(change.enabled).add(change.shared);
  CO_TRY_VOID(co_await call(pool_, kAccountUpdate, std::move(params), deadline));
  co_return Result<void>();
}

Task<Result<void>> DirectoryAdmin::rename_account(std::string login, std::string new_login,
                                                  Deadline deadline) {
  CO_TRY(const std::string address, normalize_address(login));
  CO_TRY(const std::string wanted, normalize_address(new_login));
  CO_TRY_VOID(co_await call(pool_, kAccountRename, db::Params().add(address).add(wanted), deadline));
  co_return Result<void>();
}

Task<Result<AccountId>> DirectoryAdmin::delete_account(std::string login, Deadline deadline) {
  CO_TRY(const std::string address, normalize_address(login));
  CO_TRY(auto rows, co_await call(pool_, kAccountDelete, db::Params().add(address), deadline));
  co_return AccountId{rows.integer(0, 0)};
}

Task<Result<Account>> DirectoryAdmin::get_account(std::string login, Deadline deadline) {
  CO_TRY(const std::string address, normalize_address(login));
  CO_TRY(auto rows, co_await call(pool_, kAccountGet, db::Params().add(address), deadline));
  if (rows.empty()) co_return fail(dromos::Errc::not_found, "no such account");
  co_return read_account(rows, 0);
}

Task<Result<std::vector<Account>>> DirectoryAdmin::list_accounts(AccountFilter filter, Deadline deadline) {
  db::Params params;
  params.add(clean_utf8(filter.domain))
      .add(clean_utf8(filter.match))
      .add(filter.after)
      .add_int32(filter.limit);
  CO_TRY(auto rows, co_await call(pool_, kAccountList, std::move(params), deadline));
  std::vector<Account> accounts;
  for (size_t row = 0; row < rows.size(); ++row) accounts.push_back(read_account(rows, row));
  co_return accounts;
}

Task<Result<void>> DirectoryAdmin::set_password(std::string login, std::string password, Deadline deadline) {
  CO_TRY(StoredPassword stored, co_await hash(std::move(password)));
  co_return co_await set_password_hash(std::move(login), std::move(stored), deadline);
}

Task<Result<void>> DirectoryAdmin::set_password_hash(std::string login, StoredPassword password,
                                                     Deadline deadline) {
  CO_TRY(const std::string address, normalize_address(login));
  db::Params params;
  params.add(address);
  add_password(params, password);
  CO_TRY_VOID(co_await call(pool_, kPasswordSet, std::move(params), deadline));
  co_return Result<void>();
}

}  // namespace dromos::directory
