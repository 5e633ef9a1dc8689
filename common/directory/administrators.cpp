#include "common/directory/administrators.h"

#include "common/async/waiter.h"
#include "common/base/strings.h"
#include "common/db/pool.h"
#include "common/directory/errc.h"
#include "common/directory/login_state.h"
#include "common/directory/password.h"
#include "common/directory/sql.h"
#include "common/sasl/saslprep.h"

namespace dromos::directory {

namespace {

constexpr db::Statement kCreate{"administrator_create", "SELECT admin.administrator_create_v1($1, $2, $3)"};
constexpr db::Statement kUpdate{"administrator_update",
                                "SELECT admin.administrator_update_v1($1, $2, $3, $4)"};
constexpr db::Statement kDelete{"administrator_delete", "SELECT admin.administrator_delete_v1($1)"};
constexpr db::Statement kList{
    "administrator_list", "SELECT id, name, role, enabled, created_us FROM admin.administrator_list_v1()"};
constexpr db::Statement kLookup{"administrator_lookup",
                                "SELECT id, name, role, enabled, hash, epoch FROM"
                                " admin.administrator_lookup_v1($1)"};
constexpr db::Statement kSettings{"admin_settings", "SELECT key, value FROM admin.settings_v1()"};
constexpr db::Statement kSettingPut{"admin_setting_put", "SELECT admin.setting_put_v1($1, $2)"};
constexpr db::Statement kSettingDelete{"admin_setting_delete", "SELECT admin.setting_delete_v1($1)"};
constexpr db::Statement kBegin{"admin_idempotency_begin",
                               "SELECT state, status, response FROM admin.idempotency_begin_v1($1, $2, $3)"};
constexpr db::Statement kFinish{"admin_idempotency_finish",
                                "SELECT admin.idempotency_finish_v1($1, $2, $3, $4)"};
constexpr db::Statement kAbandon{"admin_idempotency_abandon", "SELECT admin.idempotency_abandon_v1($1, $2)"};
constexpr db::Statement kTrim{"admin_idempotency_trim", "SELECT admin.idempotency_trim_v1($1)"};
constexpr db::Statement kAudit{"admin_audit", "SELECT admin.audit_v1($1, $2, $3, $4, $5, $6)"};
constexpr db::Statement kAuditList{"admin_audit_list",
                                   "SELECT id, at_us, actor, remote, action, object, detail"
                                   " FROM admin.audit_list_v1($1, $2, $3)"};

Task<Result<std::string>> hash(HashGate& gate, std::string password) {
  if (password.empty()) co_return std::string();
  if (password.size() > sasl::kMaxPassword)
    co_return fail(dromos::Errc::invalid_argument, "password too long");
  co_return co_await gate.run([password = std::move(password)] { return argon2id_hash(password); });
}

}  // namespace

Task<Result<int64_t>> Administrators::create(std::string name, std::string role, std::string password,
                                             Deadline deadline) {
  CO_TRY(const std::string hashed, co_await hash(state_.gate, std::move(password)));
  db::Params params;
  params.add(clean_utf8(name)).add(clean_utf8(role)).add(hashed);
  CO_TRY(auto rows, co_await call(pool_, kCreate, std::move(params), deadline));
  co_return rows.integer(0, 0);
}

Task<Result<void>> Administrators::update(std::string name, AdministratorChange change, Deadline deadline) {
  std::optional<std::string> hashed;
  if (change.password) {
    CO_TRY(hashed, co_await hash(state_.gate, std::move(*change.password)));
  }
  db::Params params;
  params.add(clean_utf8(name)).add(change.role).add(hashed).add(change.enabled);
  CO_TRY(auto rows, co_await call(pool_, kUpdate, std::move(params), deadline));
  if (!rows.boolean(0, 0)) co_return fail(dromos::Errc::not_found, "no such administrator");
  co_return Result<void>();
}

Task<Result<void>> Administrators::remove(std::string name, Deadline deadline) {
  CO_TRY(auto rows, co_await call(pool_, kDelete, db::Params().add(clean_utf8(name)), deadline));
  if (!rows.boolean(0, 0)) co_return fail(dromos::Errc::not_found, "no such administrator");
  co_return Result<void>();
}

Task<Result<std::vector<Administrator>>> Administrators::list(Deadline deadline) {
  CO_TRY(auto rows, co_await call(pool_, kList, db::Params(), deadline));
  std::vector<Administrator> all;
  for (size_t row = 0; row < rows.size(); ++row)
    all.push_back({rows.integer(row, 0), rows.text(row, 1), rows.text(row, 2), rows.boolean(row, 3),
                   rows.integer(row, 4)});
  co_return all;
}

Task<Result<Administrator>> Administrators::authenticate(std::string name, std::string password,
                                                         std::string remote, Deadline deadline) {
  // Administrators and accounts are different names to the throttle.
  const std::string throttled = "admin " + name;
  const auto admission = state_.throttle.admit(remote, throttled, std::chrono::steady_clock::now());
  if (admission.refused || deadline.remaining() < admission.delay)
    co_return fail(Errc::throttled, "too many failed logins", Retry::temporary);
  if (admission.delay.count() > 0) co_await sleep_for(admission.delay);
  CO_TRY(auto rows, co_await call(pool_, kLookup, db::Params().add(clean_utf8(name)), deadline));
  const std::string stored = rows.empty() ? "" : rows.text(0, 4);
  const AccountId key{rows.empty() ? 0 : -rows.integer(0, 0)};  // accounts are positive
  const int64_t epoch = rows.empty() ? 0 : rows.integer(0, 5);
  bool right = !stored.empty() &&
               state_.verified.contains(key, epoch, stored, password, std::chrono::steady_clock::now());
  if (!right) {
    auto work = state_.gate.run([stored, password = password.substr(0, sasl::kMaxPassword + 1)] {
      if (!stored.empty() && password.size() <= sasl::kMaxPassword) return argon2id_verify(stored, password);
      burn_password_time("");
      return false;
    });
    CO_TRY(right, co_await std::move(work));
    if (right) state_.verified.add(key, epoch, stored, password, std::chrono::steady_clock::now());
  }
  if (!right) {
    state_.throttle.failed(remote, throttled, std::chrono::steady_clock::now());
    co_return fail(Errc::bad_credentials, "authentication failed");
  }
  state_.throttle.succeeded(remote, throttled, std::chrono::steady_clock::now());
  if (!rows.boolean(0, 3)) co_return fail(Errc::disabled, "the administrator is disabled");
  co_return Administrator{rows.integer(0, 0), rows.text(0, 1), rows.text(0, 2), true, 0};
}

Task<Result<Settings>> Administrators::settings(Deadline deadline) {
  CO_TRY(auto rows, co_await call(pool_, kSettings, db::Params(), deadline));
  Settings settings;
  for (size_t row = 0; row < rows.size(); ++row)
    settings.values.emplace(rows.text(row, 0), rows.text(row, 1));
  co_return settings;
}

Task<Result<void>> Administrators::put_setting(std::string key, std::string value, Deadline deadline) {
  db::Params params;
  params.add(clean_utf8(key)).add(clean_utf8(value));
  CO_TRY_VOID(co_await call(pool_, kSettingPut, std::move(params), deadline));
  co_return Result<void>();
}

Task<Result<void>> Administrators::delete_setting(std::string key, Deadline deadline) {
  CO_TRY(auto rows, co_await call(pool_, kSettingDelete, db::Params().add(clean_utf8(key)), deadline));
  if (!rows.boolean(0, 0)) co_return fail(dromos::Errc::not_found, "no such setting");
  co_return Result<void>();
}

Task<Result<IdempotentStart>> Administrators::begin(std::string actor, std::string key,
                                                    std::string request_hash, Deadline deadline) {
  db::Params params;
  params.add(clean_utf8(actor)).add(clean_utf8(key)).add_bytes(request_hash);
  CO_TRY(auto rows, co_await call(pool_, kBegin, std::move(params), deadline));
  using State = IdempotentStart::State;
  IdempotentStart start;
  const std::string_view state = rows.bytes(0, 0);
  start.state = state == "new"    ? State::fresh
                : state == "done" ? State::done
                : state == "busy" ? State::busy
                                  : State::mismatch;
  if (start.state == State::done) {
    start.status = static_cast<int>(rows.integer(0, 1));
    start.response = rows.text(0, 2);
  }
  co_return start;
}

Task<Result<void>> Administrators::finish(std::string actor, std::string key, int status,
                                          std::string response, Deadline deadline) {
  db::Params params;
  params.add(clean_utf8(actor)).add(clean_utf8(key)).add_int32(status).add_bytes(response);
  CO_TRY_VOID(co_await call(pool_, kFinish, std::move(params), deadline));
  co_return Result<void>();
}

Task<Result<void>> Administrators::abandon(std::string actor, std::string key, Deadline deadline) {
  db::Params params;
  params.add(clean_utf8(actor)).add(clean_utf8(key));
  CO_TRY_VOID(co_await call(pool_, kAbandon, std::move(params), deadline));
  co_return Result<void>();
}

Task<Result<int64_t>> Administrators::trim_idempotency(int limit, Deadline deadline) {
  CO_TRY(auto rows, co_await call(pool_, kTrim, db::Params().add_int32(limit), deadline));
  co_return rows.integer(0, 0);
}

Task<Result<void>> Administrators::audit(AuditEntry entry, Deadline deadline) {
  db::Params params;
  params.add(clean_utf8(entry.actor)).add(clean_utf8(entry.remote)).add(clean_utf8(entry.action));
  params.add(clean_utf8(entry.object)).add(clean_utf8(entry.detail)).add(entry.trace);
  CO_TRY_VOID(co_await call(pool_, kAudit, std::move(params), deadline));
  co_return Result<void>();
}

Task<Result<std::vector<AuditEntry>>> Administrators::audit_log(std::string object, int64_t before, int limit,
                                                                Deadline deadline) {
  db::Params params;
  params.add(clean_utf8(object));
  if (before > 0)
    params.add(before);
  else
    params.add_null();
  params.add_int32(limit);
  CO_TRY(auto rows, co_await call(pool_, kAuditList, std::move(params), deadline));
  std::vector<AuditEntry> entries;
  for (size_t row = 0; row < rows.size(); ++row) {
    AuditEntry entry;
    entry.id = rows.integer(row, 0);
    entry.at_us = rows.integer(row, 1);
    entry.actor = rows.text(row, 2);
    entry.remote = rows.text(row, 3);
    entry.action = rows.text(row, 4);
    entry.object = rows.text(row, 5);
    entry.detail = rows.text(row, 6);
    entries.push_back(std::move(entry));
  }
  co_return entries;
}

}  // namespace dromos::directory
