#include "common/dns/resolver.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "common/async/task_group.h"
#include "common/dns/fake_resolver.h"
#include "common/dns/wire.h"

using namespace dromos;
using namespace dromos::dns;

namespace {

Task<void> mx_rules() {
  FakeResolver dns;
  for (const char* host : {"c", "a", "b"}) dns.add_mx("many.test", 10, std::string(host) + ".many.test");
  dns.add_mx("many.test", 5, "first.many.test");
  dns.add_mx("null.test", 0, ".");
  dns.add_mx("half.test", 0, ".");
  dns.add_mx("half.test", 10, "mx.half.test");
  dns.add_address("plain.test", "192.0.2.1");
  dns.set_failure("down.test", Error(dns::Errc::server, "SERVFAIL", Retry::temporary));

  std::set<std::string> seconds_seen;
  for (int i = 0; i < 200; ++i) {
    const auto many = co_await dns.mx("MANY.test", Deadline::never());
    REQUIRE(many);
    REQUIRE(many->hosts.size() == 4);
    CHECK(many->hosts[0] == MxHost{5, "first.many.test"});
    seconds_seen.insert(many->hosts[1].name);
  }
  CHECK(seconds_seen.size() == 3);  // equals are shuffled
  const auto null_mx = co_await dns.mx("null.test", Deadline::never());
  REQUIRE(null_mx);
  CHECK(null_mx->null_mx);
  CHECK_FALSE(null_mx->implicit);
  const auto half = co_await dns.mx("half.test", Deadline::never());
  REQUIRE(half);
  CHECK_FALSE(half->null_mx);
  CHECK(half->hosts == std::vector<MxHost>{{10, "mx.half.test"}});
  const auto plain = co_await dns.mx("plain.test", Deadline::never());
  REQUIRE(plain);
  CHECK(plain->implicit);
  CHECK(plain->hosts == std::vector<MxHost>{{0, "plain.test"}});
  const auto none = co_await dns.mx("none.test", Deadline::never());
  REQUIRE(none);
  CHECK(none->existence == Existence::no_domain);
  CHECK(none->hosts.empty());
  const auto down = co_await dns.mx("down.test", Deadline::never());
  REQUIRE_FALSE(down);
  CHECK(down.error().may_retry());
}

Task<void> other_kinds() {
  FakeResolver dns;
  dns.add_address("host.test", "192.0.2.1");
  dns.add_address("host.test", "2001:db8::1");
  dns.add_cname("alias.test", "host.test");
  dns.add_txt("host.test", std::string(300, 'x'));
  dns.add_ptr("2001:db8::1", "host.test");
  dns.add_tlsa("host.test", 25, {3, 1, 1, "\x01\x02"});
  dns.set_secure("host.test");
  const auto addresses = co_await dns.addresses("alias.test", Deadline::never());
  REQUIRE(addresses);
  CHECK(addresses->addresses == std::vector<IpAddress>{{"2001:db8::1", true}, {"192.0.2.1", false}});
  CHECK(addresses->canonical_name == "host.test");
  CHECK(addresses->dnssec == Dnssec::secure);
  const auto txt = co_await dns.txt("host.test", Deadline::never());
  REQUIRE(txt);
  CHECK(txt->values == std::vector<std::string>{std::string(300, 'x')});
  const auto ptr = co_await dns.ptr("2001:db8::1", Deadline::never());
  REQUIRE(ptr);
  CHECK(ptr->values == std::vector<std::string>{"host.test"});
  const auto no_ip = co_await dns.ptr("host.test", Deadline::never());
  CHECK_FALSE(no_ip);
  const auto tlsa = co_await dns.tlsa("host.test", 25, Deadline::never());
  REQUIRE(tlsa);
  CHECK(tlsa->records == std::vector<TlsaRecord>{{3, 1, 1, "\x01\x02"}});
  const auto nodata = co_await dns.addresses("_tcp.host.test", Deadline::never());
  REQUIRE(nodata);
  CHECK(nodata->existence == Existence::no_data);
}

std::string bytes(std::initializer_list<int> values) {
  std::string out;
  for (const int value : values) out += static_cast<char>(value);
  return out;
}

/// A response to "a.test" with the answer records given, names compressed to offset 12.
std::string packet(int rcode, int answers, const std::string& records) {
  return bytes({0, 1, 0x81, 0x80 | rcode, 0, 1, 0, answers, 0, 0, 0, 0}) + std::string("\1a\4test\0", 8) +
         bytes({0, 1, 0, 1}) + records;
}
std::string record(const std::string& name, int type, const std::string& data) {
  return name + bytes({0, type, 0, 1, 0, 0, 1, 0, 0, static_cast<int>(data.size())}) + data;
}
const std::string kSelf = bytes({0xc0, 12});

}  // namespace

TEST_CASE("MX answers follow RFC 5321 and RFC 7505", "[unit][dns]") {
  run_blocking(mx_rules());
}

TEST_CASE("the fake answers all kinds with aliases and DNSSEC status", "[unit][dns]") {
  run_blocking(other_kinds());
}

TEST_CASE("names are normalized or refused", "[unit][dns]") {
  CHECK(normalize_name("Ex.Test.") == "ex.test");
  CHECK(normalize_name(".") == "");
  CHECK(normalize_name("_25._tcp.x") == "_25._tcp.x");
  for (const std::string& bad :
       {std::string(), std::string(".a"), std::string("a..b"), std::string("a b"), std::string("a\\b"),
        std::string("\xc3\xa4.test"), std::string(64, 'a'), std::string("a\0b", 3)})
    CHECK_FALSE(normalize_name(bad));
  CHECK(normalize_name(std::string(63, 'a')));
  std::string longest;
  for (int i = 0; i < 126; ++i) longest += "a.";
  CHECK(normalize_name(longest + "a"));
  CHECK_FALSE(normalize_name(longest + "a.b"));
  CHECK(reverse_name("192.0.2.1") == "1.2.0.192.in-addr.arpa");
  CHECK(reverse_name("2001:db8::1").ends_with(".8.b.d.0.1.0.0.2.ip6.arpa"));
  CHECK(reverse_name("x").empty());
}

TEST_CASE("answers are read through aliases and compression", "[unit][dns]") {
  const auto found =
      read_answer(packet(0, 1, record(kSelf, 1, bytes({192, 0, 2, 1}))), "a.test", RecordType::a);
  REQUIRE(found);
  CHECK(found->data == std::vector<std::string>{bytes({192, 0, 2, 1})});
  CHECK(found->ttl == 256);
  const std::string alias = record(kSelf, 5, std::string("\1B\4tesT\0", 8));
  const std::string target = record(std::string("\1b\4test\0", 8), 1, bytes({192, 0, 2, 2}));
  const auto aliased = read_answer(packet(0, 2, target + alias), "a.test", RecordType::a);
  REQUIRE(aliased);
  CHECK(aliased->canonical_name == "b.test");
  CHECK(aliased->data.size() == 1);
  const auto other = read_answer(packet(0, 1, target), "a.test", RecordType::a);
  REQUIRE(other);  // a record of another owner is no answer
  CHECK(other->existence == Existence::no_data);
  const auto nothing = read_answer(packet(3, 0, ""), "a.test", RecordType::a);
  REQUIRE(nothing);
  CHECK(nothing->existence == Existence::no_domain);
}

TEST_CASE("malformed packets are errors that may be retried", "[unit][dns]") {
  const std::string good = packet(0, 1, record(kSelf, 15, bytes({0, 10, 2, 'm', 'x', 0xc0, 12})));
  const auto mx = read_answer(good, "a.test", RecordType::mx);
  REQUIRE(mx);
  CHECK(mx->data == std::vector<std::string>{encode_mx(10, "mx.a.test")});
  for (size_t size = 0; size < good.size(); ++size) {
    const auto cut = read_answer(std::string_view(good).substr(0, size), "a.test", RecordType::mx);
    REQUIRE_FALSE(cut);
    CHECK(cut.error().may_retry());
  }
  const auto refused = [](const std::string& bad, RecordType type) {
    return !read_answer(bad, "a.test", type);
  };
  CHECK(refused(packet(0, 1, record(bytes({0xc0, 26}), 1, "abcd")), RecordType::a));  // name points at itself
  CHECK(refused(packet(0, 1, record(bytes({0xc0, 40}), 1, "abcd")), RecordType::a));  // and forwards
  CHECK(refused(packet(0, 1, record(kSelf, 1, "abc")), RecordType::a));
  CHECK(refused(packet(0, 1, record(kSelf, 28, "abcd")), RecordType::aaaa));
  CHECK(refused(packet(0, 1, record(kSelf, 15, "a")), RecordType::mx));
  CHECK(refused(packet(0, 1, record(kSelf, 5, kSelf)), RecordType::a));  // alias of itself
  CHECK(refused(packet(2, 0, ""), RecordType::a));
  CHECK(refused(packet(5, 0, ""), RecordType::a));
  std::string query = good;
  query[2] = 1;  // not a response
  CHECK_FALSE(read_answer(query, "a.test", RecordType::mx));
}

TEST_CASE("names with odd bytes cannot pose as others", "[unit][dns]") {
  const std::string packet_bytes = std::string("\3a.b\2\0c\0", 8);
  size_t at = 0;
  CHECK(read_name(packet_bytes, at) == "a\\046b.\\000c");
  CHECK(at == 8);
}
