#include "admind/ctl/owner.h"

#include <fstream>
#include <iostream>
#include <set>

#include "common/async/task_group.h"
#include "common/config/config.h"
#include "common/db/migrate.h"
#include "common/db/pool.h"
#include "common/directory/admin.h"
#include "common/directory/administrators.h"
#include "common/directory/login_state.h"
#include "common/http/problem.h"
#include "common/store/check.h"

namespace dromos::admind::ctl {

namespace {

// Tables that already hold mail may take long.
constexpr auto kMigrationTime = std::chrono::hours(6);
constexpr seconds kConnectTime{15};
constexpr seconds kCallTime{30};

Task<Result<int>> run_migrations(std::string conninfo) {
  CO_TRY(const auto connection, co_await db::Connection::open(conninfo, Deadline::after(kConnectTime)));
  const Deadline deadline = Deadline::after(kMigrationTime);
  auto progress = [](std::string_view name) { std::cout << "applying " << name << std::endl; };
  auto done = co_await db::migrate(*connection, db::embedded_migrations(), progress, deadline);
  if (!done) co_return fail(std::move(done).error());
  CO_TRY(const auto state, co_await db::migration_state(*connection, deadline));
  std::cout << "schema at " << state.applied << (*done == 0 ? ", nothing to do" : "") << std::endl;
  if (state.applied > state.expected)
    std::cout << "note: the database is newer than this dromosctl, which knows " << state.expected
              << std::endl;
  co_return *done;
}

// As a parameter and through a setting of the transaction, so that no statement text holds the password.
constexpr db::Statement kHandPassword{"ctl_hand_password",
                                      "SELECT set_config('dromos.role_password', $1, true)"};
constexpr db::Statement kSetPasswords{
    "ctl_set_passwords",
    "DO $$ DECLARE r text; BEGIN"
    "  FOREACH r IN ARRAY ARRAY['dromos_mta', 'dromos_imapd', 'dromos_jmapd', 'dromos_spamd', "
    "'dromos_admind'] LOOP"
    "    EXECUTE format('ALTER ROLE %I PASSWORD %L', r, current_setting('dromos.role_password'));"
    "  END LOOP; END $$"};

Task<Result<int>> set_role_passwords(std::string conninfo, std::string password) {
  CO_TRY(const auto connection, co_await db::Connection::open(conninfo, Deadline::after(kConnectTime)));
  std::vector<db::Call> calls;
  calls.push_back(db::Call{&kHandPassword, std::move(db::Params().add(password))});
  calls.push_back(db::Call{&kSetPasswords, {}});
  CO_TRY(auto batch, co_await connection->run(std::move(calls), Deadline::after(kCallTime)));
  if (batch.failed >= 0) co_return fail(std::move(batch.results[static_cast<size_t>(batch.failed)]).error());
  co_return 0;
}

// The first line of the file, as of every secret in Dromos.
Result<std::string> read_secret(const std::string& path) {
  std::ifstream in(path);
  std::string line;
  if (!in || !std::getline(in, line) || line.empty())
    return fail(Errc::invalid_argument, "--role-password-file: cannot read a password from '" + path + "'");
  return line;
}

struct Created {
  std::string token;
  std::string role;
};

Task<Result<Created>> create_with(db::Pool& pool, std::string name, std::string role) {
  directory::LoginState state;
  directory::Administrators administrators(pool, state);
  directory::DirectoryAdmin admin(pool, state.gate);
  const Deadline deadline = Deadline::after(kCallTime);
  CO_TRY(const int64_t id, co_await administrators.create(name, role, "", deadline));
  (void)id;
  directory::KeyOwner owner;
  owner.is_account = false;
  owner.name = name;
  directory::SecretSpec spec;
  spec.label = "made by dromosctl admin create";
  spec.scopes = {"*"};
  CO_TRY(const auto secret, co_await admin.create_api_key(owner, spec, deadline));
  directory::AuditEntry entry;
  entry.actor = "dromosctl";
  entry.action = "administrator.create";
  entry.object = name;
  CO_TRY_VOID(co_await administrators.audit(std::move(entry), deadline));
  co_return Created{secret.text, role};
}

Task<Result<Created>> create_administrator(std::string conninfo, std::string name, std::string role) {
  db::Pool::Options options;
  options.conninfo = conninfo;
  options.max = 1;
  db::Pool pool(options);
  auto created = co_await create_with(pool, name, role);
  co_await pool.close();
  co_return created;
}

std::string problem_line(const store::Problem& problem, bool as_json) {
  if (as_json)
    return "{\"account\":" + (problem.account ? http::json_quote(to_text(problem.account)) : "null") +
           ",\"mailbox\":" + (problem.mailbox ? http::json_quote(to_text(problem.mailbox)) : "null") +
           ",\"problem\":" + http::json_quote(problem.problem) +
           ",\"detail\":" + http::json_quote(problem.detail) + "}";
  std::string line = problem.account ? "account " + to_text(problem.account) : "store";
  if (problem.mailbox) line += ", mailbox " + to_text(problem.mailbox);
  return line + ": " + problem.problem + ": " + problem.detail;
}

Task<Result<int64_t>> check_with(db::Pool& pool, bool repair, bool as_json) {
  store::Check checker(pool);
  const Deadline deadline = Deadline::after(kMigrationTime);
  std::set<int64_t> accounts;
  auto found = [&](const store::Problem& problem) {
    std::cout << problem_line(problem, as_json) << "\n";
    if (problem.account) accounts.insert(problem.account.value);
  };
  CO_TRY(const int64_t count, co_await checker.run(found, deadline));
  if (!repair || count == 0) co_return count;
  for (const int64_t account : accounts) CO_TRY_VOID(co_await checker.repair(AccountId{account}, deadline));
  if (!as_json) std::cout << count << " found; what is left after the repair:\n";
  co_return co_await checker.run(found, deadline);
}

Task<Result<int64_t>> restored_with(db::Pool& pool) {
  store::Check checker(pool);
  co_return co_await checker.restored(Deadline::after(kMigrationTime));
}

// The pool must be closed on the reactor that used it.
Task<Result<int64_t>> on_pool(std::string conninfo, std::function<Task<Result<int64_t>>(db::Pool&)> work) {
  db::Pool::Options options;
  options.conninfo = std::move(conninfo);
  options.max = 2;
  db::Pool pool(options);
  auto task = work(pool);
  auto done = co_await std::move(task);
  co_await pool.close();
  co_return done;
}

template <class T>
Task<void> keep(Task<Result<T>> task, std::optional<Result<T>>& out) {
  out.emplace(co_await std::move(task));
}
template <class T>
Result<T> blocking(Task<Result<T>> task) {
  std::optional<Result<T>> out;
  run_blocking(keep(std::move(task), out));
  return std::move(*out);
}

}  // namespace

int report(const Error& error) {
  std::cerr << "dromosctl: " << error.message() << " (" << error.category() << "/" << error.code_name()
            << ")\n";
  if (error.may_retry()) return kUnavailable;
  return error.is(Errc::invalid_argument) ? kUsage : kFailed;
}

Result<std::string> owner_conninfo(const Arguments& arguments) {
  if (arguments.has("conninfo")) return arguments.value("conninfo");
  const std::string path = arguments.value("config", "/etc/dromos/dromos.yaml");
  auto config = config::load(path, std::nullopt);
  if (!config)
    return fail(Errc::invalid_argument,
                "give --conninfo, or --config with database.owner_conninfo:\n" + config.error().text());
  return config->database.owner_conninfo;
}

int migrate(const Arguments& arguments) {
  auto conninfo = owner_conninfo(arguments);
  if (!conninfo) return report(conninfo.error());
  auto done = blocking(run_migrations(*conninfo));
  if (!done) return report(done.error());
  if (!arguments.has("role-password-file")) return kOk;
  auto password = read_secret(arguments.value("role-password-file"));
  if (!password) return report(password.error());
  auto set = blocking(set_role_passwords(*conninfo, *password));
  if (!set) return report(std::move(set).error().with_context("setting the daemons' passwords"));
  std::cout << "the daemons' passwords are set\n";
  return kOk;
}

int admin_create(const Arguments& arguments) {
  if (arguments.words.size() != 3)
    return report(Error(Errc::invalid_argument,
                        "usage: dromosctl admin create NAME [--role owner|operator|auditor] [--json]"));
  auto conninfo = owner_conninfo(arguments);
  if (!conninfo) return report(conninfo.error());
  const std::string& name = arguments.words[2];
  auto created = blocking(create_administrator(*conninfo, name, arguments.value("role", "owner")));
  if (!created) return report(created.error());
  if (arguments.has("json"))
    std::cout << "{\"name\":" << http::json_quote(name) << ",\"role\":" << http::json_quote(created->role)
              << ",\"token\":" << http::json_quote(created->token) << "}\n";
  else
    std::cout << "administrator " << name << " (" << created->role << ") created; its API key, shown once:\n"
              << created->token << "\n";
  return kOk;
}

int check(const Arguments& arguments) {
  auto conninfo = owner_conninfo(arguments);
  if (!conninfo) return report(conninfo.error());
  const bool repair = arguments.has("repair"), as_json = arguments.has("json");
  auto left = blocking(on_pool(*conninfo, [=](db::Pool& pool) { return check_with(pool, repair, as_json); }));
  if (!left) return report(left.error());
  if (!as_json) std::cout << (*left == 0 ? "clean" : std::to_string(*left) + " problems") << "\n";
  return *left == 0 ? kOk : kFailed;
}

int restored(const Arguments& arguments) {
  auto conninfo = owner_conninfo(arguments);
  if (!conninfo) return report(conninfo.error());
  auto done = blocking(on_pool(*conninfo, [](db::Pool& pool) { return restored_with(pool); }));
  if (!done) return report(done.error());
  std::cout << *done << " accounts: every UIDVALIDITY and state is new\n";
  return kOk;
}

}  // namespace dromos::admind::ctl
