#include "common/directory/directory.h"

#include "common/base/strings.h"
#include "common/db/pool.h"
#include "common/directory/address_text.h"
#include "common/directory/login_state.h"
#include "common/directory/sql.h"

namespace dromos::directory {

namespace {

constexpr db::Statement kResolve{"directory_resolve",
                                 "SELECT kind, account_id, address, detail, reason, epoch"
                                 " FROM directory.resolve_recipient_v1($1, $2)"};
constexpr db::Statement kDomainIsLocal{"directory_domain_is_local",
                                       "SELECT is_local, epoch FROM directory.domain_is_local_v1($1)"};
constexpr db::Statement kAccountById{"directory_account_by_id",
                                     "SELECT account_id, login, display_name, enabled, epoch, quota_bytes"
                                     " FROM directory.account_by_id_v1($1)"};
constexpr db::Statement kAccountByLogin{"directory_account_by_login",
                                        "SELECT account_id, login, display_name, enabled, epoch, quota_bytes"
                                        " FROM directory.account_by_login_v1($1)"};
constexpr db::Statement kCertificateLogin{
    "directory_certificate_login",
    "SELECT account_id, login, display_name, enabled, epoch, quota_bytes"
    " FROM directory.certificate_login_v1($1)"};
constexpr db::Statement kMaySendAs{"directory_may_send_as", "SELECT directory.may_send_as_v1($1, $2, $3)"};
constexpr db::Statement kGroupsOf{"directory_groups_of",
                                  "SELECT address_id, address FROM directory.groups_of_v1($1)"};
constexpr db::Statement kEpoch{"directory_config_epoch", "SELECT admin.config_epoch_v1()"};

Reject parse_reject(std::string_view text) {
  for (const Reject reject : {Reject::not_local, Reject::unknown, Reject::disabled, Reject::domain_disabled,
                              Reject::no_target, Reject::too_deep, Reject::too_many})
    if (to_string(reject) == text) return reject;
  return Reject::unknown;
}

RecipientResolution read_resolution(const db::Rows& rows) {
  RecipientResolution resolution;
  for (size_t row = 0; row < rows.size(); ++row) {
    if (rows.bytes(row, 0) == "reject") {
      resolution.reject = parse_reject(rows.bytes(row, 4));
      continue;
    }
    Recipient to;
    if (!rows.is_null(row, 1)) to.account = AccountId{rows.integer(row, 1)};
    to.address = rows.text(row, 2);
    to.detail = rows.text(row, 3);
    resolution.targets.push_back(std::move(to));
  }
  return resolution;
}

AccountInfo read_account(const db::Rows& rows) {
  return {AccountId{rows.integer(0, 0)},
          rows.text(0, 1),
          rows.text(0, 2),
          rows.boolean(0, 3),
          rows.integer(0, 4),
          rows.integer(0, 5)};
}

}  // namespace

Directory::Directory(db::Pool& pool) : Directory(pool, std::make_shared<LoginState>()) {}

Directory::Directory(db::Pool& pool, std::shared_ptr<LoginState> state)
    : pool_(pool), state_(std::move(state)) {}

Directory::~Directory() = default;

Task<Result<RecipientResolution>> Directory::resolve(std::string local, std::string domain,
                                                     Deadline deadline) {
  const auto now = std::chrono::steady_clock::now();
  const Result<std::string> ascii = domain_to_ascii(domain);
  // A name that cannot be ours; the caller's grammar has judged it already.
  if (!ascii) co_return RecipientResolution{{}, Reject::not_local};
  if (!is_local_part(local)) {
    CO_TRY(const bool ours, co_await domain_is_local(*ascii, deadline));
    co_return RecipientResolution{{}, ours ? Reject::unknown : Reject::not_local};
  }
  // As given: the detail keeps its case, and folding beyond ASCII is the database's.
  if (const RecipientResolution* known = cache_.find(local, *ascii, now)) co_return *known;
  CO_TRY(auto rows, co_await pool_.exec(kResolve, db::Params().add(local).add(*ascii), deadline));
  RecipientResolution resolution = read_resolution(rows);
  if (resolution.targets.empty() && resolution.accepted())
    co_return fail(dromos::Errc::internal, "resolve_recipient_v1 gave no row");
  cache_.put(local, *ascii, rows.integer(0, 5), resolution, now);
  co_return resolution;
}

Task<Result<bool>> Directory::domain_is_local(std::string domain, Deadline deadline) {
  const auto now = std::chrono::steady_clock::now();
  const Result<std::string> ascii = domain_to_ascii(domain);
  if (!ascii) co_return false;
  if (cache_.knows_domain(*ascii, now)) co_return true;
  CO_TRY(auto rows, co_await pool_.exec(kDomainIsLocal, db::Params().add(*ascii), deadline));
  const bool ours = rows.boolean(0, 0);
  if (ours) cache_.put_domain(*ascii, rows.integer(0, 1), now);
  co_return ours;
}

Task<Result<AccountInfo>> Directory::account(AccountId id, Deadline deadline) {
  CO_TRY(auto rows, co_await pool_.exec(kAccountById, db::Params().add(id), deadline));
  if (rows.empty()) co_return fail(dromos::Errc::not_found, "no such account");
  co_return read_account(rows);
}

namespace {
Task<Result<AccountInfo>> named(db::Pool& pool, const db::Statement& statement, std::string login,
                                Deadline deadline) {
  const Result<std::string> address = normalize_address(login);
  if (!address) co_return fail(dromos::Errc::not_found, "no such account");
  CO_TRY(auto rows, co_await pool.exec(statement, db::Params().add(*address), deadline));
  if (rows.empty()) co_return fail(dromos::Errc::not_found, "no such account");
  co_return read_account(rows);
}
}  // namespace

Task<Result<AccountInfo>> Directory::account_by_login(std::string login, Deadline deadline) {
  co_return co_await named(pool_, kAccountByLogin, std::move(login), deadline);
}

Task<Result<Identity>> Directory::certificate_login(std::string login, Deadline deadline) {
  auto account = co_await named(pool_, kCertificateLogin, std::move(login), deadline);
  if (!account && account.error().may_retry()) co_return fail(account.error());
  if (!account || !account->enabled)
    co_return fail(Errc::bad_credentials, "no enabled account has the certificate's name");
  Identity who;
  who.account = account->id;
  who.login = std::move(account->login);
  who.display_name = std::move(account->display_name);
  who.epoch = account->epoch;
  who.via = Via::certificate;
  co_return who;
}

Task<Result<bool>> Directory::may_send_as(AccountId account, std::string address, Deadline deadline) {
  const auto parts = split_address(address);
  if (!parts) co_return false;
  db::Params params;
  params.add(account).add(parts->first).add(parts->second);
  CO_TRY(auto rows, co_await pool_.exec(kMaySendAs, std::move(params), deadline));
  co_return rows.boolean(0, 0);
}

Task<Result<std::vector<Group>>> Directory::groups_of(AccountId account, Deadline deadline) {
  CO_TRY(auto rows, co_await pool_.exec(kGroupsOf, db::Params().add(account), deadline));
  std::vector<Group> groups;
  for (size_t row = 0; row < rows.size(); ++row) groups.push_back({rows.integer(row, 0), rows.text(row, 1)});
  co_return groups;
}

Task<Result<int64_t>> Directory::config_epoch(Deadline deadline) {
  CO_TRY(auto rows, co_await pool_.exec(kEpoch, db::Params(), deadline));
  const int64_t epoch = rows.integer(0, 0);
  note_epoch(epoch);
  co_return epoch;
}

void Directory::note_epoch(int64_t epoch) {
  cache_.note_epoch(epoch);
}

}  // namespace dromos::directory
