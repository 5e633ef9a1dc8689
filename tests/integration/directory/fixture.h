// A directory with two domains on a database of its own: example.test (SCRAM-SHA-1 allowed) and other.test.
#pragma once

#include <catch2/catch.hpp>
#include <memory>

#include "common/async/task_group.h"
#include "common/db/pool.h"
#include "common/directory/admin.h"
#include "common/directory/directory.h"
#include "common/directory/login_state.h"
#include "common/testing/temp_database.h"

namespace dromos::directory {

inline Deadline soon() {
  return Deadline::after(seconds(120));
}

/// co_await and REQUIRE success, in one statement; keeps the value.
#define MUST(decl, ...)                                                                    \
  auto DROMOS_CAT(must_, __LINE__) = __VA_ARGS__;                                          \
  if (!DROMOS_CAT(must_, __LINE__)) FAIL(DROMOS_CAT(must_, __LINE__).error().to_string()); \
  decl = std::move(*DROMOS_CAT(must_, __LINE__))
#define MUST_VOID(...)                                       \
  do {                                                       \
    auto must_result = __VA_ARGS__;                          \
    if (!must_result) FAIL(must_result.error().to_string()); \
  } while (false)

struct World {
  testing::TempDatabase database;
  db::Pool admin_pool{{.conninfo = database.conninfo("dromos_admind"), .max = 4}};
  db::Pool mta_pool{{.conninfo = database.conninfo("dromos_mta"), .max = 4}};
  std::shared_ptr<LoginState> state = std::make_shared<LoginState>();
  DirectoryAdmin admin{admin_pool, state->gate};
  Directory directory{mta_pool, state};

  Task<AccountId> account(std::string login, std::optional<std::string> password = std::nullopt) {
    NewAccount fresh;
    fresh.login = std::move(login);
    fresh.password = std::move(password);
    auto made = co_await admin.create_account(fresh, soon());
    if (!made) throw std::runtime_error(made.error().to_string());
    co_return *made;
  }
  Task<Result<int64_t>> put(AddressKind kind, std::string address, std::vector<std::string> targets,
                            bool send_as = true) {
    NewAddress fresh;
    fresh.kind = kind;
    fresh.address = std::move(address);
    fresh.targets = std::move(targets);
    fresh.send_as = send_as;
    auto task = admin.put_address(fresh, soon());
    co_return co_await std::move(task);
  }
  /// What an address leads to, sorted, one a line; "!reason" for a reject. Never from the cache.
  Task<std::string> where(std::string local, std::string domain) {
    co_await directory.config_epoch(soon());
    auto found = co_await directory.resolve(local, domain, soon());
    if (!found) co_return found.error().to_string();
    if (!found->accepted()) co_return "!" + std::string(to_string(found->reject));
    std::vector<std::string> lines;
    for (const Recipient& to : found->targets)
      lines.push_back(to.address + (to.detail.empty() ? "" : " [" + to.detail + "]") +
                      (to.is_remote() ? " remote" : ""));
    std::sort(lines.begin(), lines.end());
    std::string text;
    for (const std::string& line : lines) text += (text.empty() ? "" : "\n") + line;
    co_return text;
  }
};

inline void in_world(Task<void> (*test)(World&)) {
  run_blocking([](Task<void> (*body)(World&)) -> Task<void> {
    auto world = std::make_unique<World>();
    NewDomain first;
    first.name = "example.test";
    first.scram_sha1 = true;
    NewDomain second;
    second.name = "other.test";
    auto made = co_await world->admin.create_domain(first, soon());
    REQUIRE(made);
    made = co_await world->admin.create_domain(second, soon());
    REQUIRE(made);
    std::exception_ptr failure;
    try {
      co_await body(*world);
    } catch (...) {
      failure = std::current_exception();
    }
    co_await world->admin_pool.close();
    co_await world->mta_pool.close();
    if (failure) std::rethrow_exception(failure);
  }(test));
}

}  // namespace dromos::directory
