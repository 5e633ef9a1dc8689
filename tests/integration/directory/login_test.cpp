#include <algorithm>

#include "common/async/task_group.h"
#include "common/crypto/crypto.h"
#include "common/directory/login_state.h"
#include "tests/integration/directory/fixture.h"

using namespace dromos;
using namespace dromos::directory;

namespace {

constexpr const char* kPeer = "198.51.100.7";

Task<std::string> login(World& w, std::string name, std::string password, std::string service = "imap") {
  auto who = co_await w.directory.authenticate(name, password, service, kPeer, soon());
  if (!who) co_return std::string(who.error().code_name());
  co_return who->login;
}

}  // namespace

TEST_CASE("the right password lets in, everything else does not", "[integration][directory]") {
  in_world([](World& w) -> Task<void> {
    co_await w.account("alice@example.test", "secret");
    co_await w.account("keys@example.test");
    CHECK(co_await login(w, "alice@example.test", "secret") == "alice@example.test");
    CHECK(co_await login(w, "ALICE@Example.test", "secret") == "alice@example.test");
    CHECK(co_await login(w, "alice@example.test", "Secret") == "bad_credentials");
    CHECK(co_await login(w, "alice@example.test", "") == "bad_credentials");
    CHECK(co_await login(w, "nobody@example.test", "secret") == "bad_credentials");
    CHECK(co_await login(w, "keys@example.test", "") == "bad_credentials");
    CHECK(co_await login(w, "alice", "secret") == "bad_credentials");
    CHECK(co_await login(w, std::string("ali\0ce@example.test", 19), "secret") == "bad_credentials");
    CHECK(co_await login(w, "alice@example.test", std::string(5000, 'x')) == "bad_credentials");
  });
}

TEST_CASE("a remembered login dies with the password and with the account", "[integration][directory]") {
  in_world([](World& w) -> Task<void> {
    co_await w.account("alice@example.test", "old");
    CHECK(co_await login(w, "alice@example.test", "old") == "alice@example.test");
    CHECK(co_await login(w, "alice@example.test", "old") == "alice@example.test");
    MUST_VOID(co_await w.admin.set_password("alice@example.test", "new", soon()));
    CHECK(co_await login(w, "alice@example.test", "old") == "bad_credentials");
    CHECK(co_await login(w, "alice@example.test", "new") == "alice@example.test");
    AccountChange off;
    off.enabled = false;
    MUST_VOID(co_await w.admin.update_account("alice@example.test", off, soon()));
    CHECK(co_await login(w, "alice@example.test", "new") == "disabled");
    MUST_VOID(co_await w.admin.delete_account("alice@example.test", soon()));
    CHECK(co_await login(w, "alice@example.test", "new") == "bad_credentials");
  });
}

TEST_CASE("a shared account lets nobody in, and tells no more than one that does not exist",
          "[integration][directory]") {
  in_world([](World& w) -> Task<void> {
    co_await w.account("team@example.test", "secret");
    SecretSpec spec;
    spec.label = "phone";
    spec.scopes.push_back("imap");
    MUST(const NewSecret app, co_await w.admin.create_app_password("team@example.test", spec, soon()));
    CHECK(co_await login(w, "team@example.test", "secret") == "team@example.test");
    AccountChange change;
    change.shared = true;
    MUST_VOID(co_await w.admin.update_account("team@example.test", change, soon()));
    CHECK(co_await login(w, "team@example.test", "secret") == "bad_credentials");
    CHECK(co_await login(w, "team@example.test", "wrong") == "bad_credentials");
    CHECK(co_await login(w, "team@example.test", app.text) == "bad_credentials");
    MUST(const auto scram,
         co_await w.directory.scram_credentials("team@example.test", sasl::ScramHash::sha256, kPeer, soon()));
    CHECK_FALSE(scram.exists);
    CHECK_FALSE(w.directory.scram_finished(scram, true, "team@example.test", kPeer));
    CHECK_FALSE(co_await w.directory.certificate_login("team@example.test", soon()));
    CHECK(co_await w.directory.account_by_login("team@example.test", soon()));  // mail for it, rights on it
    change.shared = false;
    MUST_VOID(co_await w.admin.update_account("team@example.test", change, soon()));
    CHECK(co_await login(w, "team@example.test", "secret") == "team@example.test");
    CHECK(co_await login(w, "team@example.test", app.text) == "team@example.test");
  });
}

TEST_CASE("app passwords hold to their scopes, account, expiry and revocation", "[integration][directory]") {
  in_world([](World& w) -> Task<void> {
    co_await w.account("alice@example.test", "secret");
    co_await w.account("bob@example.test");
    SecretSpec spec;
    spec.label = "phone";
    spec.scopes.push_back("imap");
    spec.scopes.push_back("smtp");
    MUST(const NewSecret secret, co_await w.admin.create_app_password("alice@example.test", spec, soon()));
    auto who = co_await w.directory.authenticate("alice@example.test", secret.text, "imap", kPeer, soon());
    REQUIRE(who);
    CHECK(who->via == Via::app_password);
    CHECK(who->label == "phone");
    CHECK(co_await login(w, "alice@example.test", secret.text, "pop3") == "scope");
    CHECK(co_await login(w, "bob@example.test", secret.text) == "bad_credentials");
    MUST(const auto list, co_await w.admin.list_app_passwords("alice@example.test", soon()));
    REQUIRE(list.size() == 1);
    CHECK(list[0].last_used_us.has_value());
    MUST_VOID(co_await w.admin.delete_app_password("alice@example.test", secret.id, soon()));
    CHECK(co_await login(w, "alice@example.test", secret.text) == "bad_credentials");

    spec.expires_us = Clock::now_us() - 1000000;
    MUST(const NewSecret expired, co_await w.admin.create_app_password("alice@example.test", spec, soon()));
    CHECK(co_await login(w, "alice@example.test", expired.text) == "bad_credentials");
    spec.scopes.push_back("everything");
    auto refused = co_await w.admin.create_app_password("alice@example.test", spec, soon());
    REQUIRE_FALSE(refused);
    CHECK(refused.error().is(dromos::Errc::invalid_argument));
  });
}

TEST_CASE("imported hashes let in once and are argon2id with SCRAM afterwards", "[integration][directory]") {
  in_world([](World& w) -> Task<void> {
    co_await w.account("alice@example.test");
    // bcrypt's test suite: "U*U".
    MUST(auto crypt,
         parse_password_hash("{BLF-CRYPT}$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"));
    MUST_VOID(co_await w.admin.set_password_hash("alice@example.test", crypt, soon()));
    CHECK(co_await login(w, "alice@example.test", "wrong") == "bad_credentials");
    MUST(Account account, co_await w.admin.get_account("alice@example.test", soon()));
    CHECK(account.password_scheme == "crypt");
    CHECK_FALSE(account.scram);
    CHECK(co_await login(w, "alice@example.test", "U*U") == "alice@example.test");
    MUST(account, co_await w.admin.get_account("alice@example.test", soon()));
    CHECK(account.password_scheme == "argon2id");
    CHECK(account.scram);
    CHECK(co_await login(w, "alice@example.test", "U*U") == "alice@example.test");
    CHECK(co_await login(w, "alice@example.test", "wrong") == "bad_credentials");
  });
}

TEST_CASE("SCRAM verifiers are those of the password, SHA-1 only where the domain allows",
          "[integration][directory]") {
  in_world([](World& w) -> Task<void> {
    co_await w.account("alice@example.test", "pencil");
    co_await w.account("carol@other.test", "pencil");
    MUST(auto scram, co_await w.directory.scram_credentials("Alice@example.test", sasl::ScramHash::sha256,
                                                            kPeer, soon()));
    CHECK(scram.exists);
    CHECK(sasl::verify_password(scram.verifier, "pencil"));
    CHECK_FALSE(sasl::verify_password(scram.verifier, "pen"));
    MUST(const auto sha1,
         co_await w.directory.scram_credentials("alice@example.test", sasl::ScramHash::sha1, kPeer, soon()));
    CHECK(sha1.exists);
    CHECK(sasl::verify_password(sha1.verifier, "pencil"));
    MUST(const auto none,
         co_await w.directory.scram_credentials("carol@other.test", sasl::ScramHash::sha1, kPeer, soon()));
    CHECK_FALSE(none.exists);
    const auto done = w.directory.scram_finished(scram, true, "alice@example.test", kPeer);
    REQUIRE(done);
    CHECK(done->login == "alice@example.test");
    CHECK_FALSE(w.directory.scram_finished(scram, false, "alice@example.test", kPeer));
    CHECK_FALSE(w.directory.scram_finished(none, true, "carol@other.test", kPeer));
    // Leave withdrawn: the verifiers go.
    DomainChange change;
    change.scram_sha1 = false;
    MUST_VOID(co_await w.admin.update_domain("example.test", change, soon()));
    MUST(const auto gone,
         co_await w.directory.scram_credentials("alice@example.test", sasl::ScramHash::sha1, kPeer, soon()));
    CHECK_FALSE(gone.exists);
  });
}

TEST_CASE("an unknown login shows the same SCRAM salt for ever and in every process",
          "[integration][directory]") {
  in_world([](World& w) -> Task<void> {
    Directory second(w.mta_pool);
    MUST(const auto one, co_await w.directory.scram_credentials("ghost@example.test", sasl::ScramHash::sha256,
                                                                kPeer, soon()));
    MUST(const auto two,
         co_await second.scram_credentials("GHOST@example.test", sasl::ScramHash::sha256, kPeer, soon()));
    MUST(const auto other,
         co_await second.scram_credentials("ghost2@example.test", sasl::ScramHash::sha256, kPeer, soon()));
    CHECK_FALSE(one.exists);
    CHECK(one.verifier.salt == two.verifier.salt);
    CHECK(one.verifier.salt != other.verifier.salt);
    CHECK(one.verifier.salt.size() == sasl::kScramSaltSize);
    co_await w.account("real@example.test", "x");
    MUST(const auto real,
         co_await second.scram_credentials("real@example.test", sasl::ScramHash::sha256, kPeer, soon()));
    CHECK(real.verifier.iterations == one.verifier.iterations);
    CHECK(real.verifier.salt.size() == one.verifier.salt.size());
  });
}

TEST_CASE("failures are throttled per network and account", "[integration][directory]") {
  in_world([](World& w) -> Task<void> {
    co_await w.account("alice@example.test", "secret");
    const auto now = std::chrono::steady_clock::now();
    for (int i = 0; i < 30; ++i) w.state->throttle.failed("203.0.113.9", "alice@example.test", now);
    auto guess = co_await w.directory.authenticate("alice@example.test", "secret", "imap", "203.0.113.9",
                                                   Deadline::after(milliseconds(500)));
    REQUIRE_FALSE(guess);
    CHECK(guess.error().is(directory::Errc::throttled));
    CHECK(guess.error().may_retry());
    CHECK(co_await login(w, "alice@example.test", "secret") == "alice@example.test");
  });
}

TEST_CASE("API keys tell account from administrator and end with them", "[integration][directory]") {
  in_world([](World& w) -> Task<void> {
    const AccountId alice = co_await w.account("alice@example.test");
    KeyOwner owner;
    owner.name = "alice@example.test";
    SecretSpec spec;
    spec.label = "script";
    spec.scopes.push_back("jmap");
    MUST(const NewSecret key, co_await w.admin.create_api_key(owner, spec, soon()));
    MUST(const auto who, co_await w.directory.api_key(key.text, kPeer, soon()));
    CHECK(who.account == alice);
    CHECK(who.owner == "alice@example.test");
    CHECK(who.may_use("jmap"));
    CHECK_FALSE(who.may_use("admin"));
    CHECK_FALSE(co_await w.directory.api_key("dk_aaaaaaaaaaaaaaaaaaaaaaaaaa", kPeer, soon()));
    CHECK_FALSE(co_await w.directory.api_key("", kPeer, soon()));
    MUST_VOID(co_await w.admin.delete_account("alice@example.test", soon()));
    CHECK_FALSE(co_await w.directory.api_key(key.text, kPeer, soon()));
  });
}

TEST_CASE("many logins at once cost no more hashes than run at once", "[integration][directory]") {
  in_world([](World& w) -> Task<void> {
    co_await w.account("alice@example.test", "secret");
    const auto& hashed = w.directory.state().hashed;
    std::vector<std::string> answers;
    TaskGroup group;
    for (int i = 0; i < 20; ++i) {
      group.spawn([](World& world, std::vector<std::string>& into) -> Task<void> {
        into.push_back(co_await login(world, "alice@example.test", "secret"));
      }(w, answers));
    }
    co_await group.close();
    CHECK(answers == std::vector<std::string>(20, "alice@example.test"));
    CHECK(hashed >= 1);
    CHECK(hashed <= HashGate::kConcurrent);
    CHECK(co_await login(w, "alice@example.test", "wrong") == "bad_credentials");
  });
}
