// DirectoryAdmin: aliases, groups, catch-alls, app passwords and API keys.
#include "common/base/strings.h"
#include "common/db/pool.h"
#include "common/directory/address_text.h"
#include "common/directory/admin.h"
#include "common/directory/sql.h"

namespace dromos::directory {

namespace {

constexpr size_t kMaxTargets = 1000;

constexpr db::Statement kAddressPut{"directory_address_put",
                                    "SELECT directory.address_put_v1($1, $2, $3, $4, $5, $6, $7)"};
constexpr db::Statement kAddressDelete{"directory_address_delete",
                                       "SELECT directory.address_delete_v1($1, $2)"};
constexpr db::Statement kAddressList{
    "directory_address_list",
    "SELECT id, address, kind, enabled, send_as, display_name, targets, created_us"
    " FROM directory.address_list_v1($1, $2, $3, $4)"};
constexpr db::Statement kAddressGet{
    "directory_address_get",
    "SELECT id, address, kind, enabled, send_as, display_name, targets, created_us"
    " FROM directory.address_get_v1($1, $2)"};
constexpr db::Statement kAppPasswordCreate{"directory_app_password_create",
                                           "SELECT directory.app_password_create_v1($1, $2, $3, $4, $5)"};
constexpr db::Statement kAppPasswordList{"directory_app_password_list",
                                         "SELECT id, label, scopes, expires_us, created_us, last_used_us"
                                         " FROM directory.app_password_list_v1($1)"};
constexpr db::Statement kAppPasswordDelete{"directory_app_password_delete",
                                           "SELECT directory.app_password_delete_v1($1, $2)"};
constexpr db::Statement kApiKeyCreate{"directory_api_key_create",
                                      "SELECT admin.api_key_create_v1($1, $2, $3, $4, $5, $6)"};
constexpr db::Statement kApiKeyList{"directory_api_key_list",
                                    "SELECT id, label, scopes, expires_us, created_us, last_used_us"
                                    " FROM admin.api_key_list_v1($1, $2)"};
constexpr db::Statement kApiKeyDelete{"directory_api_key_delete", "SELECT admin.api_key_delete_v1($1)"};

std::string_view kind_text(AddressKind kind) {
  switch (kind) {
    case AddressKind::alias:
      return "alias";
    case AddressKind::group:
      return "group";
    case AddressKind::catch_all:
      return "catch_all";
  }
  return "alias";
}

AddressKind parse_kind(std::string_view text) {
  if (text == "group") return AddressKind::group;
  return text == "catch_all" ? AddressKind::catch_all : AddressKind::alias;
}

/// Like split_address, but "@domain" is the catch-all.
Result<std::pair<std::string, std::string>> split_managed(std::string_view address) {
  if (address.empty() || address.front() != '@') return split_address(address);
  TRY(std::string domain, domain_to_ascii(address.substr(1)));
  return std::pair(std::string(), std::move(domain));
}

Result<std::string> target_lines(const std::vector<std::string>& targets) {
  if (targets.empty() || targets.size() > kMaxTargets)
    return fail(dromos::Errc::invalid_argument, "an alias has 1 to 1000 targets");
  std::string lines;
  for (const std::string& target : targets) {
    TRY(const std::string address, normalize_address(target));
    lines += address + "\n";
  }
  return lines;
}

std::vector<Address> read_addresses(const db::Rows& rows) {
  std::vector<Address> addresses;
  for (size_t row = 0; row < rows.size(); ++row) {
    Address address;
    address.id = rows.integer(row, 0);
    address.address = rows.text(row, 1);
    address.kind = parse_kind(rows.bytes(row, 2));
    address.enabled = rows.boolean(row, 3);
    address.send_as = rows.boolean(row, 4);
    address.display_name = rows.text(row, 5);
    address.targets = words(rows.bytes(row, 6), '\n');
    address.created_us = rows.integer(row, 7);
    addresses.push_back(std::move(address));
  }
  return addresses;
}

std::vector<SecretInfo> read_secrets(const db::Rows& rows) {
  std::vector<SecretInfo> secrets;
  for (size_t row = 0; row < rows.size(); ++row) {
    SecretInfo info;
    info.id = rows.integer(row, 0);
    info.label = rows.text(row, 1);
    info.scopes = words(rows.bytes(row, 2), ' ');
    info.expires_us = rows.maybe_integer(row, 3);
    info.created_us = rows.integer(row, 4);
    info.last_used_us = rows.maybe_integer(row, 5);
    secrets.push_back(std::move(info));
  }
  return secrets;
}

}  // namespace

Task<Result<int64_t>> DirectoryAdmin::put_address(NewAddress address, Deadline deadline) {
  CO_TRY(auto parts, split_managed(address.address));
  if (parts.first.empty() != (address.kind == AddressKind::catch_all))
    co_return fail(dromos::Errc::invalid_argument, "only a catch-all has no local part");
  CO_TRY(const std::string lines, target_lines(address.targets));
  db::Params params;
  params.add(kind_text(address.kind)).add(parts.first).add(parts.second).add(lines);
  params.add(clean_utf8(address.display_name)).add(address.send_as).add(address.enabled);
  CO_TRY(auto rows, co_await call(pool_, kAddressPut, std::move(params), deadline));
  co_return rows.integer(0, 0);
}

Task<Result<void>> DirectoryAdmin::delete_address(std::string address, Deadline deadline) {
  CO_TRY(auto parts, split_managed(address));
  CO_TRY_VOID(
      co_await call(pool_, kAddressDelete, db::Params().add(parts.first).add(parts.second), deadline));
  co_return Result<void>();
}

Task<Result<std::vector<Address>>> DirectoryAdmin::list_addresses(AddressFilter filter, Deadline deadline) {
  db::Params params;
  params.add(clean_utf8(filter.domain)).add(filter.kind ? kind_text(*filter.kind) : std::string_view(""));
  params.add(filter.after).add_int32(filter.limit);
  CO_TRY(auto rows, co_await call(pool_, kAddressList, std::move(params), deadline));
  co_return read_addresses(rows);
}

Task<Result<Address>> DirectoryAdmin::get_address(std::string address, Deadline deadline) {
  CO_TRY(auto parts, split_managed(address));
  db::Params params;
  params.add(parts.first).add(parts.second);
  CO_TRY(auto rows, co_await call(pool_, kAddressGet, std::move(params), deadline));
  auto found = read_addresses(rows);
  if (found.empty())
    co_return fail(dromos::Errc::not_found, "no such alias, group or catch-all: " + clean_utf8(address));
  co_return std::move(found.front());
}

Task<Result<NewSecret>> DirectoryAdmin::create_app_password(std::string login, SecretSpec spec,
                                                            Deadline deadline) {
  CO_TRY(const std::string address, normalize_address(login));
  Secret secret = make_app_password();
  db::Params params;
  params.add(address).add_bytes(secret.hash).add(clean_utf8(spec.label)).add(join(spec.scopes, " "));
  params.add(spec.expires_us);
  CO_TRY(auto rows, co_await call(pool_, kAppPasswordCreate, std::move(params), deadline));
  co_return NewSecret{rows.integer(0, 0), std::move(secret.text)};
}

Task<Result<std::vector<SecretInfo>>> DirectoryAdmin::list_app_passwords(std::string login,
                                                                         Deadline deadline) {
  CO_TRY(const std::string address, normalize_address(login));
  CO_TRY(auto rows, co_await call(pool_, kAppPasswordList, db::Params().add(address), deadline));
  co_return read_secrets(rows);
}

Task<Result<void>> DirectoryAdmin::delete_app_password(std::string login, int64_t id, Deadline deadline) {
  CO_TRY(const std::string address, normalize_address(login));
  CO_TRY_VOID(co_await call(pool_, kAppPasswordDelete, db::Params().add(address).add(id), deadline));
  co_return Result<void>();
}

Task<Result<NewSecret>> DirectoryAdmin::create_api_key(KeyOwner owner, SecretSpec spec, Deadline deadline) {
  Secret secret = make_api_key();
  db::Params params;
  params.add(owner.is_account).add(clean_utf8(owner.name)).add_bytes(secret.hash).add(clean_utf8(spec.label));
  params.add(clean_utf8(join(spec.scopes, " "))).add(spec.expires_us);
  CO_TRY(auto rows, co_await call(pool_, kApiKeyCreate, std::move(params), deadline));
  co_return NewSecret{rows.integer(0, 0), std::move(secret.text)};
}

Task<Result<std::vector<SecretInfo>>> DirectoryAdmin::list_api_keys(KeyOwner owner, Deadline deadline) {
  db::Params params;
  params.add(owner.is_account).add(clean_utf8(owner.name));
  CO_TRY(auto rows, co_await call(pool_, kApiKeyList, std::move(params), deadline));
  co_return read_secrets(rows);
}

Task<Result<void>> DirectoryAdmin::delete_api_key(int64_t id, Deadline deadline) {
  CO_TRY(auto rows, co_await call(pool_, kApiKeyDelete, db::Params().add(id), deadline));
  if (!rows.boolean(0, 0)) co_return fail(dromos::Errc::not_found, "no such API key");
  co_return Result<void>();
}

}  // namespace dromos::directory
