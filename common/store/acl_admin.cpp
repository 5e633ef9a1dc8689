#include "common/store/acl_admin.h"

#include "common/store/write.h"

namespace dromos::store {
namespace {
const db::Statement kList{"store_acl_all", "SELECT path, identifier, rights FROM mail.acl_all_v1($1)"};
const db::Statement kSet{"store_acl_set_path", "SELECT mail.acl_set_path_v1($1, $2, $3, $4)"};
const db::Statement kOwnSeen{"store_own_seen_all", "SELECT path FROM mail.own_seen_all_v1($1)"};
const db::Statement kSetOwnSeen{"store_own_seen_set_path", "SELECT mail.own_seen_set_path_v1($1, $2, $3)"};
}  // namespace

Task<Result<std::vector<PathRights>>> AclAdmin::list(AccountId account, Deadline deadline) {
  db::Params params;
  params.add(account);
  CO_TRY(const auto rows, co_await pool_.exec(kList, std::move(params), deadline));
  std::vector<PathRights> list;
  for (size_t row = 0; row < rows.size(); ++row)
    list.push_back({rows.text(row, 0), rows.text(row, 1), static_cast<Rights>(rows.integer(row, 2))});
  co_return list;
}

Task<Result<Change>> AclAdmin::set(AccountId account, PathRights wanted, Deadline deadline) {
  const auto params = [account, wanted] {
    db::Params made;
    made.add(account).add(wanted.path).add(wanted.identifier).add_int32(static_cast<int32_t>(wanted.rights));
    return made;
  };
  CO_TRY(const Settled settled, co_await write_settled(pool_, kSet, params, deadline));
  co_return Change{account, settled.rows.maybe_integer(0, 0).value_or(0)};
}

Task<Result<std::vector<std::string>>> AclAdmin::own_seen(AccountId account, Deadline deadline) {
  CO_TRY(const auto rows, co_await pool_.exec(kOwnSeen, db::Params().add(account), deadline));
  std::vector<std::string> paths;
  for (size_t row = 0; row < rows.size(); ++row) paths.push_back(rows.text(row, 0));
  co_return paths;
}

Task<Result<Change>> AclAdmin::set_own_seen(AccountId account, std::string path, bool own,
                                            Deadline deadline) {
  const auto params = [account, path, own] {
    db::Params made;
    made.add(account).add(path).add(own);
    return made;
  };
  CO_TRY(const Settled settled, co_await write_settled(pool_, kSetOwnSeen, params, deadline));
  co_return Change{account, settled.rows.maybe_integer(0, 0).value_or(0)};
}

}  // namespace dromos::store
