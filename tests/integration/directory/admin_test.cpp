#include <algorithm>
#include <chrono>
#include <iostream>

#include "common/directory/administrators.h"
#include "tests/integration/directory/fixture.h"

using namespace dromos;
using namespace dromos::directory;

namespace {

std::vector<ImportRow> rows(int count, const std::string& domain, const ImportRow& like) {
  std::vector<ImportRow> all(static_cast<size_t>(count), like);
  for (int i = 0; i < count; ++i) all[static_cast<size_t>(i)].login = "u" + std::to_string(i) + "@" + domain;
  return all;
}

Task<void> timed_import(World& w, std::vector<ImportRow> all, std::string what) {
  const auto start = std::chrono::steady_clock::now();
  const size_t count = all.size();
  MUST(const auto outcomes, co_await w.admin.import_accounts(std::move(all), soon()));
  const auto ms = std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - start).count();
  std::cout << "import of " << count << " accounts, " << what << ": " << ms << " ms\n";
  REQUIRE(outcomes.size() == count);
  CHECK(
      std::all_of(outcomes.begin(), outcomes.end(), [](const ImportOutcome& o) { return o.reason.empty(); }));
}

}  // namespace

TEST_CASE("domains are made, changed, listed and refused", "[integration][directory]") {
  in_world([](World& w) -> Task<void> {
    NewDomain domain;
    domain.name =
        "B\xc3\xbc"
        "cher.Example";
    MUST_VOID(co_await w.admin.create_domain(domain, soon()));
    auto twice = co_await w.admin.create_domain(domain, soon());
    REQUIRE_FALSE(twice);
    CHECK(twice.error().is(dromos::Errc::already_exists));
    domain.name = "no domain";
    CHECK_FALSE(co_await w.admin.create_domain(domain, soon()));
    MUST(const auto list, co_await w.admin.list_domains("", 100, soon()));
    REQUIRE(list.size() == 3);
    CHECK(list[2].name == "xn--bcher-kva.example");
    MUST_VOID(co_await w.admin.delete_domain("xn--bcher-kva.example", soon()));
    co_await w.account("alice@example.test");
    auto used = co_await w.admin.delete_domain("example.test", soon());
    REQUIRE_FALSE(used);
    CHECK(used.error().is(dromos::Errc::conflict));
    auto missing = co_await w.admin.delete_domain("missing.test", soon());
    REQUIRE_FALSE(missing);
    CHECK(missing.error().is(dromos::Errc::not_found));
  });
}

TEST_CASE("accounts are made, renamed, listed and refused", "[integration][directory]") {
  in_world([](World& w) -> Task<void> {
    const AccountId alice = co_await w.account("alice@example.test", "x");
    NewAccount again;
    again.login = "ALICE@example.test";
    auto twice = co_await w.admin.create_account(again, soon());
    REQUIRE_FALSE(twice);
    CHECK(twice.error().is(dromos::Errc::already_exists));
    again.login = "alice@missing.test";
    auto homeless = co_await w.admin.create_account(again, soon());
    REQUIRE_FALSE(homeless);
    CHECK(homeless.error().is(dromos::Errc::not_found));
    AccountChange change;
    change.display_name = "Alice Example";
    change.quota_bytes = 1000000;
    MUST_VOID(co_await w.admin.update_account("alice@example.test", change, soon()));
    MUST_VOID(co_await w.admin.rename_account("alice@example.test", "al@other.test", soon()));
    MUST(const auto account, co_await w.admin.get_account("al@other.test", soon()));
    CHECK(account.id == alice);
    CHECK(account.display_name == "Alice Example");
    CHECK(account.quota_bytes == 1000000);
    CHECK(account.password_scheme == "argon2id");
    CHECK(w.database.query("SELECT quota_bytes FROM mail.account_state") == "1000000");
    co_await w.account("bob@example.test");
    AccountFilter filter;
    filter.match = "ALICE ex";
    MUST(const auto found, co_await w.admin.list_accounts(filter, soon()));
    REQUIRE(found.size() == 1);
    CHECK(found[0].login == "al@other.test");
    filter.match.clear();
    filter.limit = 1;
    MUST(const auto first, co_await w.admin.list_accounts(filter, soon()));
    REQUIRE(first.size() == 1);
    filter.after = first[0].id.value;
    MUST(const auto second, co_await w.admin.list_accounts(filter, soon()));
    REQUIRE(second.size() == 1);
    CHECK(second[0].login == "bob@example.test");
    // An alias never takes a login's name, nor the other way.
    const std::vector<std::string> target{"al@other.test"};
    CHECK_FALSE(co_await w.put(AddressKind::alias, "bob@example.test", target));
    MUST_VOID(co_await w.put(AddressKind::alias, "taken@example.test", target));
    again.login = "taken@example.test";
    CHECK_FALSE(co_await w.admin.create_account(again, soon()));
    AddressFilter addresses;
    MUST(const auto list, co_await w.admin.list_addresses(addresses, soon()));
    REQUIRE(list.size() == 1);
    CHECK(list[0].targets == target);
  });
}

TEST_CASE("an import takes what it can and names what it cannot", "[integration][directory]") {
  in_world([](World& w) -> Task<void> {
    co_await w.account("taken@example.test");
    std::vector<ImportRow> all(7);
    all[0].login = "new@example.test";
    all[0].password = "clear";
    all[1].login = "taken@example.test";
    all[2].login = "nowhere@missing.test";
    all[3].login = "broken";
    all[4].login = "hash@example.test";
    all[4].password_hash = "{PLAIN}x";
    all[5].login = "NEW@example.test";
    all[6].login = "last@example.test";
    all[6].display_name = "bad \xff utf-8 and \"quotes\"";
    MUST(const auto outcomes, co_await w.admin.import_accounts(all, soon()));
    REQUIRE(outcomes.size() == 7);
    CHECK(outcomes[0].reason.empty());
    CHECK(outcomes[0].account);
    CHECK(outcomes[1].reason == "already exists");
    CHECK(outcomes[2].reason == "no such domain");
    CHECK_FALSE(outcomes[3].reason.empty());
    CHECK_FALSE(outcomes[4].reason.empty());
    CHECK(outcomes[5].reason == "already exists");
    CHECK(outcomes[6].reason.empty());
    // The password holds at once, by SCRAM and in the clear, and becomes argon2id.
    MUST(const auto scram,
         co_await w.directory.scram_credentials("new@example.test", sasl::ScramHash::sha1, "::1", soon()));
    CHECK(scram.exists);
    auto wrong = co_await w.directory.authenticate("new@example.test", "clean", "imap", "::1", soon());
    CHECK_FALSE(wrong);
    auto right = co_await w.directory.authenticate("new@example.test", "clear", "imap", "::1", soon());
    CHECK(right);
    MUST(const auto account, co_await w.admin.get_account("new@example.test", soon()));
    CHECK(account.password_scheme == "argon2id");
  });
}

TEST_CASE("ten thousand accounts are imported in one call", "[integration][directory]") {
  in_world([](World& w) -> Task<void> {
    ImportRow hashed;
    hashed.password_hash =
        "{ARGON2ID}$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
    co_await timed_import(w, rows(10000, "example.test", hashed), "hashed before");
    ImportRow clear;
    clear.password = "shared random password";
    co_await timed_import(w, rows(10000, "other.test", clear), "passwords in the clear");
    CHECK(w.database.query("SELECT count(*) FROM directory.credential") == "20000");
    auto who = co_await w.directory.authenticate("u9999@example.test", "password", "imap", "::1", soon());
    CHECK(who);
    who = co_await w.directory.authenticate("u9999@other.test", "shared random password", "imap", "::1",
                                            soon());
    CHECK(who);
  });
}

TEST_CASE("administrators, their keys, settings, idempotency and the audit log", "[integration][directory]") {
  in_world([](World& w) -> Task<void> {
    Administrators admins(w.admin_pool, *w.state);
    MUST_VOID(co_await admins.create("root", "owner", "secret", soon()));
    CHECK_FALSE(co_await admins.create("root", "owner", "secret", soon()));
    CHECK_FALSE(co_await admins.create("x", "emperor", "secret", soon()));
    auto who = co_await admins.authenticate("Root", "secret", "::1", soon());
    REQUIRE(who);
    CHECK(who->role == "owner");
    CHECK_FALSE(co_await admins.authenticate("root", "wrong", "::1", soon()));
    CHECK_FALSE(co_await admins.authenticate("nobody", "secret", "::1", soon()));
    AdministratorChange change;
    change.password = "other";
    MUST_VOID(co_await admins.update("root", change, soon()));
    CHECK_FALSE(co_await admins.authenticate("root", "secret", "::1", soon()));

    KeyOwner owner;
    owner.is_account = false;
    owner.name = "root";
    SecretSpec spec;
    spec.scopes.push_back("admin:read");
    MUST(const NewSecret key, co_await w.admin.create_api_key(owner, spec, soon()));
    Directory as_admind(w.admin_pool);
    MUST(const auto holder, co_await as_admind.api_key(key.text, "::1", soon()));
    CHECK(holder.role == "owner");
    CHECK_FALSE(holder.account);

    MUST(const int64_t before, co_await w.directory.config_epoch(soon()));
    MUST_VOID(co_await admins.put_setting("mta.max_size", "\"25MiB\"", soon()));
    CHECK_FALSE(co_await admins.put_setting("mta.max_size", "not json", soon()));
    MUST(const auto settings, co_await admins.settings(soon()));
    CHECK(settings.values.at("mta.max_size") == "\"25MiB\"");
    MUST(const int64_t after, co_await w.directory.config_epoch(soon()));
    CHECK(after > before);

    const std::string request(32, 'r');
    using State = IdempotentStart::State;
    MUST(auto start, co_await admins.begin("root", "k1", request, soon()));
    CHECK(start.state == State::fresh);
    MUST(start, co_await admins.begin("root", "k1", request, soon()));
    CHECK(start.state == State::busy);
    MUST_VOID(co_await admins.finish("root", "k1", 201, "{}", soon()));
    MUST(start, co_await admins.begin("root", "k1", request, soon()));
    CHECK(start.state == State::done);
    CHECK(start.status == 201);
    MUST(start, co_await admins.begin("root", "k1", std::string(32, 's'), soon()));
    CHECK(start.state == State::mismatch);

    AuditEntry entry;
    entry.actor = "root";
    entry.action = "account.create";
    entry.object = "alice@example.test";
    entry.trace = TraceId::make();
    MUST_VOID(co_await admins.audit(entry, soon()));
    MUST(const auto log, co_await admins.audit_log("", 0, 10, soon()));
    REQUIRE(log.size() == 1);
    CHECK(log[0].action == "account.create");
  });
}
