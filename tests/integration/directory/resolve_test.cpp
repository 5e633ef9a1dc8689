#include <algorithm>

#include "tests/integration/directory/fixture.h"

using namespace dromos;
using namespace dromos::directory;

namespace {
std::vector<std::string> one(std::string target) {
  return {std::move(target)};
}
}  // namespace

TEST_CASE("accounts are found in any case, with detail, and in other scripts", "[integration][directory]") {
  in_world([](World& w) -> Task<void> {
    co_await w.account("Alice@example.test");
    co_await w.account("J\xc3\xb6rg@example.test");
    CHECK(co_await w.where("alice", "example.test") == "alice@example.test");
    CHECK(co_await w.where("ALICE", "EXAMPLE.Test.") == "alice@example.test");
    CHECK(co_await w.where("Alice+Invoices+2026", "example.test") == "alice@example.test [Invoices+2026]");
    CHECK(co_await w.where("J\xc3\x96RG", "example.test") == "j\xc3\xb6rg@example.test");
    CHECK(co_await w.where("jo\xcc\x88rg", "example.test") == "j\xc3\xb6rg@example.test");
    CHECK(co_await w.where("nobody", "example.test") == "!unknown");
    CHECK(co_await w.where("+x", "example.test") == "!unknown");
    CHECK(co_await w.where("alice", "elsewhere.test") == "!not_local");
    CHECK(co_await w.where("alice", "not a domain") == "!not_local");
    CHECK(co_await w.where("a\"b", "example.test") == "!unknown");
    CHECK(co_await w.where("\xff", "example.test") == "!unknown");
  });
}

TEST_CASE("an exact address wins over a detail", "[integration][directory]") {
  in_world([](World& w) -> Task<void> {
    co_await w.account("alice@example.test");
    co_await w.account("alice+vip@example.test");
    CHECK(co_await w.where("alice+vip", "example.test") == "alice+vip@example.test");
    CHECK(co_await w.where("alice+other", "example.test") == "alice@example.test [other]");
  });
}

TEST_CASE("aliases and groups expand, each target once, cycles end", "[integration][directory]") {
  in_world([](World& w) -> Task<void> {
    co_await w.account("alice@example.test");
    co_await w.account("bob@example.test");
    const std::vector<std::string> both{"alice@example.test", "bob@example.test", "x@remote.test",
                                        "x@remote.test"};
    MUST_VOID(co_await w.put(AddressKind::alias, "info@example.test", both));
    const std::vector<std::string> nested{"info@example.test", "alice@example.test", "y@remote.test"};
    MUST_VOID(co_await w.put(AddressKind::group, "all@other.test", nested));
    const std::string everyone =
        "alice@example.test\nbob@example.test\nx@remote.test remote\ny@remote.test remote";
    CHECK(co_await w.where("all", "other.test") == everyone);
    // Now a cycle: info leads back to all.
    const std::vector<std::string> cycle{"alice@example.test", "bob@example.test", "x@remote.test",
                                         "all@other.test"};
    MUST_VOID(co_await w.put(AddressKind::alias, "info@example.test", cycle));
    CHECK(co_await w.where("all", "other.test") == everyone);
    CHECK(co_await w.where("info", "example.test") == everyone);
  });
}

TEST_CASE("a cycle that reaches nobody is refused", "[integration][directory]") {
  in_world([](World& w) -> Task<void> {
    co_await w.account("alice@example.test");
    MUST_VOID(co_await w.put(AddressKind::alias, "a@example.test", one("alice@example.test")));
    MUST_VOID(co_await w.put(AddressKind::alias, "b@example.test", one("a@example.test")));
    MUST_VOID(co_await w.put(AddressKind::alias, "a@example.test", one("b@example.test")));
    CHECK(co_await w.where("a", "example.test") == "!no_target");
    auto self = co_await w.put(AddressKind::alias, "a@example.test", one("A@example.test"));
    REQUIRE_FALSE(self);
    CHECK(self.error().is(dromos::Errc::invalid_argument));
    auto missing = co_await w.put(AddressKind::alias, "c@example.test", one("missing@example.test"));
    REQUIRE_FALSE(missing);
    CHECK(missing.error().is(dromos::Errc::not_found));
  });
}

TEST_CASE("ten levels of aliases pass, eleven are refused", "[integration][directory]") {
  in_world([](World& w) -> Task<void> {
    co_await w.account("alice@example.test");
    std::string last = "alice@example.test";
    for (int level = 1; level <= 11; ++level) {
      const std::string name = "a" + std::to_string(level) + "@example.test";
      MUST_VOID(co_await w.put(AddressKind::alias, name, one(last)));
      last = name;
    }
    CHECK(co_await w.where("a10", "example.test") == "alice@example.test");
    CHECK(co_await w.where("a11", "example.test") == "!too_deep");
  });
}

TEST_CASE("a thousand targets pass, more are refused whole", "[integration][directory]") {
  in_world([](World& w) -> Task<void> {
    std::vector<std::string> many;
    for (int i = 0; i < 1000; ++i) many.push_back("r" + std::to_string(i) + "@remote.test");
    MUST_VOID(co_await w.put(AddressKind::group, "big@example.test", many));
    co_await w.directory.config_epoch(soon());
    MUST(const auto found, co_await w.directory.resolve("big", "example.test", soon()));
    CHECK(found.targets.size() == 1000);
    const std::vector<std::string> more{"big@example.test", "one@remote.test"};
    MUST_VOID(co_await w.put(AddressKind::group, "bigger@example.test", more));
    CHECK(co_await w.where("bigger", "example.test") == "!too_many");
    many.push_back("over@remote.test");
    CHECK_FALSE(co_await w.put(AddressKind::group, "list@example.test", many));
  });
}

TEST_CASE("the catch-all takes what nobody else does", "[integration][directory]") {
  in_world([](World& w) -> Task<void> {
    co_await w.account("alice@example.test");
    co_await w.account("bob@example.test");
    MUST_VOID(co_await w.put(AddressKind::catch_all, "@example.test", one("bob@example.test")));
    CHECK(co_await w.where("whoever", "example.test") == "bob@example.test");
    CHECK(co_await w.where("alice+x", "example.test") == "alice@example.test [x]");
    CHECK(co_await w.where("whoever", "other.test") == "!unknown");
    // An alias to a name that only the catch-all answers.
    MUST_VOID(co_await w.put(AddressKind::alias, "via@other.test", one("ghost@example.test")));
    CHECK(co_await w.where("via", "other.test") == "bob@example.test");
    MUST_VOID(co_await w.admin.delete_address("@example.test", soon()));
    CHECK(co_await w.where("whoever", "example.test") == "!unknown");
    CHECK(co_await w.where("via", "other.test") == "!no_target");
  });
}

TEST_CASE("a remote target becomes local with its domain", "[integration][directory]") {
  in_world([](World& w) -> Task<void> {
    MUST_VOID(co_await w.put(AddressKind::alias, "partner@example.test", one("sales@new.test")));
    CHECK(co_await w.where("partner", "example.test") == "sales@new.test remote");
    NewDomain domain;
    domain.name = "new.test";
    MUST_VOID(co_await w.admin.create_domain(domain, soon()));
    CHECK(co_await w.where("partner", "example.test") == "!no_target");
    co_await w.account("sales@new.test");
    CHECK(co_await w.where("partner", "example.test") == "sales@new.test");
  });
}

TEST_CASE("disabled accounts and domains take no mail, other members of a group still do",
          "[integration][directory]") {
  in_world([](World& w) -> Task<void> {
    co_await w.account("alice@example.test");
    co_await w.account("bob@example.test");
    const std::vector<std::string> both{"alice@example.test", "bob@example.test"};
    MUST_VOID(co_await w.put(AddressKind::group, "all@example.test", both));
    AccountChange off;
    off.enabled = false;
    MUST_VOID(co_await w.admin.update_account("alice@example.test", off, soon()));
    CHECK(co_await w.where("alice", "example.test") == "!disabled");
    CHECK(co_await w.where("all", "example.test") == "bob@example.test");
    MUST_VOID(co_await w.admin.delete_account("bob@example.test", soon()));
    CHECK(co_await w.where("bob", "example.test") == "!unknown");
    CHECK(co_await w.where("all", "example.test") == "!no_target");
    DomainChange closed;
    closed.enabled = false;
    MUST_VOID(co_await w.admin.update_domain("example.test", closed, soon()));
    CHECK(co_await w.where("all", "example.test") == "!domain_disabled");
    MUST(const bool ours, co_await w.directory.domain_is_local("Example.test", soon()));
    CHECK(ours);
    MUST(const bool theirs, co_await w.directory.domain_is_local("remote.test", soon()));
    CHECK_FALSE(theirs);
  });
}

TEST_CASE("answers are cached until the epoch is heard of", "[integration][directory]") {
  in_world([](World& w) -> Task<void> {
    co_await w.account("alice@example.test");
    MUST(const int64_t before, co_await w.directory.config_epoch(soon()));
    MUST_VOID(co_await w.directory.resolve("alice", "example.test", soon()));
    // Behind the back of every trigger, so that only the cache can still answer.
    w.database.query("SET session_replication_role = replica; DELETE FROM directory.address");
    MUST(const auto cached, co_await w.directory.resolve("alice", "example.test", soon()));
    CHECK(cached.accepted());
    w.directory.note_epoch(before + 1);
    MUST(const auto fresh, co_await w.directory.resolve("alice", "example.test", soon()));
    CHECK_FALSE(fresh.accepted());
  });
}

TEST_CASE("every change raises the config epoch, also one made by hand", "[integration][directory]") {
  in_world([](World& w) -> Task<void> {
    MUST(int64_t last, co_await w.directory.config_epoch(soon()));
    co_await w.account("alice@example.test");
    MUST(int64_t next, co_await w.directory.config_epoch(soon()));
    CHECK(next > last);
    last = next;
    MUST_VOID(co_await w.admin.set_password("alice@example.test", "x", soon()));
    MUST(next, co_await w.directory.config_epoch(soon()));
    CHECK(next > last);
    last = next;
    w.database.query("UPDATE directory.domain SET enabled = false");
    MUST(next, co_await w.directory.config_epoch(soon()));
    CHECK(next > last);
  });
}

TEST_CASE("who may send in whose name", "[integration][directory]") {
  in_world([](World& w) -> Task<void> {
    const AccountId alice = co_await w.account("alice@example.test");
    const AccountId bob = co_await w.account("bob@example.test");
    const std::vector<std::string> to_alice{"alice@example.test"};
    const std::vector<std::string> to_both{"alice@example.test", "bob@example.test"};
    const std::vector<std::string> to_info{"info@example.test"};
    MUST_VOID(co_await w.put(AddressKind::alias, "info@example.test", to_alice));
    MUST_VOID(co_await w.put(AddressKind::alias, "sales@other.test", to_info));
    MUST_VOID(co_await w.put(AddressKind::group, "all@example.test", to_both, false));
    struct Case {
      AccountId who;
      const char* address;
      bool allowed;
    };
    const std::vector<Case> cases{{alice, "Alice@Example.test", true},
                                  {alice, "alice+x@example.test", true},
                                  {alice, "bob@example.test", false},
                                  {alice, "info@example.test", true},
                                  {alice, "sales@other.test", true},
                                  {bob, "sales@other.test", false},
                                  {alice, "all@example.test", false},
                                  {bob, "nobody@example.test", false},
                                  {alice, "x@remote.test", false},
                                  {alice, "nonsense", false},
                                  {AccountId{0}, "alice@example.test", false}};
    for (const Case& c : cases) {
      INFO(c.address);
      MUST(const bool allowed, co_await w.directory.may_send_as(c.who, c.address, soon()));
      CHECK(allowed == c.allowed);
    }
    MUST(const auto groups, co_await w.directory.groups_of(bob, soon()));
    REQUIRE(groups.size() == 1);
    CHECK(groups[0].address == "all@example.test");
  });
}
