#include "mta/outbound/router.h"

#include <catch2/catch.hpp>

#include "common/async/task_group.h"
#include "common/dns/fake_resolver.h"

namespace dromos::mta {
namespace {

struct Fixture {
  dns::FakeResolver dns;
  QueueRunnerOptions options;
  std::set<std::string> own;
  Fixture() { options.hostname = "mx.us.test"; }

  std::string transport = "smtp";

  std::variant<Route, SendVerdict> route(const std::string& domain) {
    std::variant<Route, SendVerdict> result;
    run_blocking(ask(domain, result));
    return result;
  }
  /// "name=address" of each hop.
  std::vector<std::string> hops(const std::string& domain) {
    const auto result = route(domain);
    std::vector<std::string> list;
    if (const auto* found = std::get_if<Route>(&result))
      for (const Hop& hop : found->hops) list.push_back(hop.name + "=" + hop.address.to_string());
    return list;
  }
  SendVerdict verdict(const std::string& domain) {
    const auto result = route(domain);
    REQUIRE(std::holds_alternative<SendVerdict>(result));
    return std::get<SendVerdict>(result);
  }

 private:
  Task<void> ask(std::string domain, std::variant<Route, SendVerdict>& result) {
    Router router(dns, options, own);
    result = co_await router.route(transport, domain, Deadline::after(seconds(5)));
  }
};

using List = std::vector<std::string>;

TEST_CASE_METHOD(Fixture, "MX hosts come in order of preference with all their addresses", "[unit][mta]") {
  dns.add_mx("a.test", 20, "second.test");
  dns.add_mx("a.test", 10, "first.test");
  dns.add_address("first.test", "192.0.2.1");
  dns.add_address("first.test", "192.0.2.2");
  dns.add_address("first.test", "2001:db8::1");
  dns.add_address("second.test", "192.0.2.3");
  const auto list = hops("a.test");
  REQUIRE(list.size() == 4);
  CHECK(list[0] == "first.test=[2001:db8::1]:25");
  CHECK(list[3] == "second.test=192.0.2.3:25");
}

TEST_CASE_METHOD(Fixture, "Without MX the domain itself is the host", "[unit][mta]") {
  dns.add_address("a.test", "192.0.2.1");
  CHECK(hops("a.test") == List{"a.test=192.0.2.1:25"});
}

TEST_CASE_METHOD(Fixture, "A null MX, a missing domain and one without hosts are permanent", "[unit][mta]") {
  dns.add_mx("null.test", 0, ".");
  dns.add_txt("text.test", "no mail here");
  dns.add_mx("empty.test", 10, "gone.test");
  const SendVerdict null = verdict("null.test");
  CHECK(null.fate == Fate::failed);
  CHECK(null.code == 556);
  CHECK(null.status == "5.1.10");
  CHECK(verdict("nowhere.test").status == "5.1.2");
  CHECK(verdict("text.test").status == "5.1.2");
  CHECK(verdict("empty.test").status == "5.4.4");
  CHECK(verdict("empty.test").fate == Fate::failed);
}

TEST_CASE_METHOD(Fixture, "DNS that fails now is temporary", "[unit][mta]") {
  dns.set_failure("broken.test", Error(dns::Errc::server, "SERVFAIL", Retry::temporary));
  CHECK(verdict("broken.test").fate == Fate::deferred);
  CHECK(verdict("broken.test").status == "4.4.3");
  // The name of a host likewise: it may have an address.
  dns.add_mx("a.test", 10, "broken.test");
  dns.add_mx("a.test", 20, "gone.test");
  CHECK(verdict("a.test").fate == Fate::deferred);
  // Another host serves meanwhile.
  dns.add_mx("a.test", 30, "good.test");
  dns.add_address("good.test", "192.0.2.1");
  CHECK(hops("a.test") == List{"good.test=192.0.2.1:25"});
}

TEST_CASE_METHOD(Fixture, "We and hosts not better than we are left out", "[unit][mta]") {
  dns.add_mx("a.test", 10, "better.test");
  dns.add_mx("a.test", 20, "mx.us.test");
  dns.add_mx("a.test", 20, "equal.test");
  dns.add_mx("a.test", 30, "worse.test");
  for (const char* name : {"better.test", "mx.us.test", "equal.test", "worse.test"})
    dns.add_address(name, "192.0.2." + std::to_string(name[0] % 100));
  const auto list = hops("a.test");
  REQUIRE(list.size() == 1);
  CHECK(list[0].starts_with("better.test="));

  dns.add_mx("loop.test", 10, "mx.us.test");
  dns.add_mx("loop.test", 20, "worse.test");
  CHECK(verdict("loop.test").status == "5.4.6");
}

TEST_CASE_METHOD(Fixture, "Our own address is found under another name", "[unit][mta]") {
  own = {"192.0.2.9:25"};
  dns.add_mx("a.test", 10, "better.test");
  dns.add_mx("a.test", 20, "alias.test");
  dns.add_mx("a.test", 30, "worse.test");
  dns.add_address("better.test", "192.0.2.1");
  dns.add_address("alias.test", "192.0.2.9");
  dns.add_address("worse.test", "192.0.2.3");
  CHECK(hops("a.test") == List{"better.test=192.0.2.1:25"});
}

TEST_CASE_METHOD(Fixture, "Address literals need no DNS", "[unit][mta]") {
  CHECK(hops("[192.0.2.7]") == List{"[192.0.2.7]=192.0.2.7:25"});
  CHECK(hops("[IPv6:2001:db8::7]") == List{"[IPv6:2001:db8::7]=[2001:db8::7]:25"});
  CHECK(verdict("[nonsense]").fate == Fate::failed);
  CHECK(dns.queries() == 0);
}

TEST_CASE_METHOD(Fixture, "A relay takes everything and its faults are never permanent", "[unit][mta]") {
  options.relay = Relay{"192.0.2.5", 2525};
  transport = transport_of(options, "smtp", "null.test");
  CHECK(hops("a.test") == List{"192.0.2.5=192.0.2.5:2525"});
  options.relay = Relay{"relay.test", 587};
  CHECK(verdict("a.test").fate == Fate::deferred);
  dns.add_address("relay.test", "192.0.2.6");
  CHECK(hops("null.test") == List{"relay.test=192.0.2.6:587"});
}

TEST_CASE_METHOD(Fixture, "The number of addresses is bounded", "[unit][mta]") {
  for (uint16_t i = 0; i < 40; ++i) {
    dns.add_mx("a.test", i, "h" + std::to_string(i) + ".test");
    dns.add_address("h" + std::to_string(i) + ".test", "192.0.2." + std::to_string(i));
  }
  CHECK(hops("a.test").size() == Router::kMaxHops);
}

TEST_CASE_METHOD(Fixture, "Domains choose their transport, rows keep one that they name", "[unit][mta]") {
  CHECK(transport_of(options, "smtp", "a.test") == "smtp");
  options.relay = Relay{"192.0.2.5", 25};
  options.relay->domains = {"b.test"};
  options.lmtp = LmtpHost{"/run/other.sock", "", 0, {"c.test"}};
  CHECK(transport_of(options, "smtp", "a.test") == "smtp");
  CHECK(transport_of(options, "smtp", "b.test") == "relay");
  CHECK(transport_of(options, "smtp", "c.test") == "lmtp");
  for (const std::string& named : {"local", "relay", "lmtp"})
    CHECK(transport_of(options, named, "a.test") == named);
}

TEST_CASE_METHOD(Fixture, "An LMTP host is a socket or a name, and none is nobody's fault", "[unit][mta]") {
  transport = "lmtp";
  CHECK(verdict("a.test").status == "4.3.5");
  options.lmtp = LmtpHost{"/run/other.sock", "", 0, {}};
  const auto found = route("a.test");
  const Hop& hop = std::get<Route>(found).hops.at(0);
  CHECK(hop.lmtp);
  CHECK(hop.tls == TlsPolicy::none);
  CHECK(hop.address.to_string() == "unix:/run/other.sock");
  options.lmtp = LmtpHost{"", "store.test", 24, {}};
  CHECK(verdict("a.test").fate == Fate::deferred);
  dns.add_address("store.test", "192.0.2.7");
  CHECK(hops("a.test") == List{"store.test=192.0.2.7:24"});
}

TEST_CASE_METHOD(Fixture, "A relay row without a relay waits", "[unit][mta]") {
  transport = "relay";
  CHECK(verdict("a.test").status == "4.3.5");
}

}  // namespace
}  // namespace dromos::mta
