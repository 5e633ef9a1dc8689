#include "common/config/config.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "common/config/tree.h"

using namespace dromos::config;
using namespace std::chrono_literals;

namespace {

Checked<Config> read(std::string_view yaml, std::vector<std::string> environment = {}) {
  std::vector<char*> pointers;
  for (std::string& variable : environment) pointers.push_back(variable.data());
  pointers.push_back(nullptr);
  return parse(yaml, "t.yaml", Daemon::mta, pointers.data());
}

std::string errors(std::string_view yaml, std::vector<std::string> environment = {}) {
  const auto config = read(yaml, std::move(environment));
  return config ? "" : config.error().text();
}

/// Tests run somewhere below the repository's root.
std::ifstream open_in_repository(const std::string& path) {
  std::string up;
  for (int depth = 0; depth < 6; ++depth, up += "../") {
    std::ifstream in(up + path);
    if (in) return in;
  }
  return {};
}

struct TemporaryFile {
  std::string path = "/tmp/dromos-config-XXXXXX";
  explicit TemporaryFile(std::string_view text) {
    const int fd = ::mkstemp(path.data());
    REQUIRE(fd >= 0);
    REQUIRE(::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    ::close(fd);
  }
  ~TemporaryFile() { std::remove(path.c_str()); }
};

}  // namespace

TEST_CASE("An empty file gives the defaults", "[unit][config]") {
  const auto config = read("");
  REQUIRE(config);
  CHECK(config->mta.limits.message_size.bytes == 50u << 20);
  CHECK(config->imapd.common.metrics.to_string() == "127.0.0.1:7412");
  CHECK_FALSE(config->mta.hostname.empty());
  CHECK(rpc_target(*config, Daemon::spamd) == "unix:/run/dromos/spamd.sock");
  CHECK(rpc_port(Daemon::admind) == 7405);
}

TEST_CASE("Values reach their members", "[unit][config]") {
  const auto config = read(R"(
log: {level: debug, format: json}
tls: {certificates: [{certificate: a.pem, key: a.key}, {certificate: b.pem, key: b.key}]}
rpc: {targets: {spamd: "dns:///spam:7404"}}
dns: {forwarders: 127.0.0.1:5353}
mta:
  hostname: mx.example.test
  workers: 2
  listeners:
    mx: ["127.0.0.1:0", {address: ":25", proxy_protocol: yes, proxy_trusted: 10.0.0.0/8}]
    submissions: ":465"
  limits: {recipients: 200, command_timeout: 90s}
  outbound: {relay: "smtp.example.net:587", expire_after: 2d}
)");
  REQUIRE(config);
  CHECK(config->log.format == "json");
  CHECK(config->tls.certificates.at(1).key == "b.key");
  CHECK(rpc_target(*config, Daemon::spamd) == "dns:///spam:7404");
  CHECK(config->dns.forwarders.at(0).port == 5353);
  REQUIRE(config->mta.mx.size() == 2);
  CHECK(config->mta.mx[0].address.to_string() == "127.0.0.1:0");
  CHECK(config->mta.mx[1].proxy_protocol);
  CHECK(config->mta.mx[1].proxy_trusted.at(0) == "10.0.0.0/8");
  CHECK(config->mta.submissions.at(0).address.port == 465);
  CHECK(config->mta.limits.recipients == 200);
  CHECK(config->mta.limits.command_timeout == 90s);
  CHECK(config->mta.outbound.relay->host->port == 587);
  CHECK(config->mta.outbound.expire_after == 48h);
  CHECK(config->imapd.hostname == "mx.example.test");
  CHECK(worker_count(*config, Daemon::mta) == 2);
}

TEST_CASE("All faults come at once, each with place, key, finding and what is allowed", "[unit][config]") {
  CHECK(errors(R"(log:
  level: loud
mta:
  hostnme: x
  workers: many
  listeners:
    mx: [25]
  limits:
    message_size: 25 cows
    command_timeout: soon
    recipients: 5
imapd: 7
)") == "t.yaml:2: log.level: found \"loud\"; allowed: debug, info, warn, error\n"
       "t.yaml:5: mta.workers: found \"many\"; allowed: a whole number from 0 to 256\n"
       "t.yaml:7: mta.listeners.mx[0].address: found \"25\"; allowed: an address such as 127.0.0.1:25, "
       "[::1]:25, "
       ":25 or unix:/run/dromos/x.sock\n"
       "t.yaml:9: mta.limits.message_size: found \"25 cows\"; allowed: a size such as 4096, 64KiB, 25MiB, "
       "1GiB\n"
       "t.yaml:11: mta.limits.recipients: found \"5\"; allowed: a whole number from 100 to 1000000\n"
       "t.yaml:10: mta.limits.command_timeout: found \"soon\"; allowed: a duration such as 500ms, 30s, 5m, "
       "2h, 7d\n"
       "t.yaml:4: mta.hostnme: unknown key; did you mean \"hostname\"? (allowed here: workers, metrics, "
       "drain_timeout, hostname, listeners, limits, spam, outbound, announce_plus, temp_dir)\n"
       "t.yaml:12: imapd: found \"7\"; allowed: a section\n");
}

TEST_CASE("Choices suggest the nearest word, required keys are missed, wrong kinds are named",
          "[unit][config]") {
  CHECK(errors("log: {format: jsn}") ==
        "t.yaml:1: log.format: found \"jsn\"; allowed: logfmt, json; did you mean \"json\"?\n");
  CHECK(errors("tls: {certificates: [{certificate: a.pem}]}") ==
        "t.yaml:1: tls.certificates[0].key: is missing; it has no default\n");
  CHECK(errors("mta: {hostname: [a]}") == "t.yaml:1: mta.hostname: found a list; allowed: text\n");
  CHECK(errors("smtp: {}").starts_with("t.yaml:1: smtp: unknown key; did you mean \"mta\"?"));
}

TEST_CASE("Ways out are a word or a section", "[unit][config]") {
  TemporaryFile file("secret\n");
  const auto config = read(
      "store: {blobs: {kind: folder, path: /var/lib/dromos/blobs}}\nmta:\n  outbound:\n"
      "    relay: {host: smtp.example.net, tls: verified, user: me, password_file: " +
      file.path +
      ", domains: a.test}\n"
      "    lmtp: unix:/run/store.sock\n    poll: 1s\n    max_leased: 10\n"
      "    idle_connection: 0\n    warn_after: 1h\n");
  REQUIRE(config);
  const MtaOutbound& out = config->mta.outbound;
  CHECK(out.relay->host->to_string() == "smtp.example.net:25");
  CHECK(out.relay->password.reveal() == "secret");
  CHECK(out.relay->domains == std::vector<std::string>{"a.test"});
  CHECK(out.lmtp->path == "/run/store.sock");
  CHECK(out.poll == 1s);
  CHECK(out.max_leased == 10);
  CHECK(out.idle_connection == 0s);
  CHECK(out.warn_after == 1h);
  CHECK(config->store.folder == "/var/lib/dromos/blobs");
  CHECK(read("mta: {outbound: {lmtp: {to: store.example.net}}}")->mta.outbound.lmtp->host->port == 24);
}

TEST_CASE("Ways out that cannot work are refused", "[unit][config]") {
  const auto outbound = [](const std::string& yaml) { return errors("mta: {outbound: {" + yaml + "}}"); };
  CHECK(outbound("relay: {tls: verified}") ==
        "t.yaml:1: mta.outbound.relay.host: is missing; it has no default\n");
  CHECK(outbound("relay: {host: h, user: u, password: p}")
            .find("mta.outbound.relay.tls: is \"opportunistic\"") != std::string::npos);
  CHECK(outbound("relay: {host: h, tls: implicit, user: u}").find("password_file: is missing") !=
        std::string::npos);
  CHECK(outbound("relay: {host: h, password: p}").find("user: is missing") != std::string::npos);
  CHECK(outbound("relay: {host: h, tls: tsl}").find("allowed: none, opportunistic") != std::string::npos);
  CHECK(outbound("relay: {host: h, domains: 'a b'}").find("allowed: domains") != std::string::npos);
  CHECK(outbound("relay: [a, b]").find("is a list; allowed: one") != std::string::npos);
  CHECK(outbound("lmtp: 'unix:run'").find("allowed: a host such as") != std::string::npos);
  CHECK(outbound("poll: 1ms").find("mta.outbound.poll: is less than 50ms") != std::string::npos);
  CHECK(outbound("max_leased: 0").find("mta.outbound.max_leased: found \"0\"") != std::string::npos);
  CHECK(outbound("lease: 10ms").find("mta.outbound.lease: is less than 1s") != std::string::npos);
  CHECK(errors("store: {blobs: {kind: folder}}") ==
        "t.yaml:1: store.blobs.path: is missing; kind folder needs one\n");
  CHECK(errors("store: {blobs: {path: /x}}").find("for kind folder only") != std::string::npos);
  CHECK(errors("store: {blobs: {kind: folder, path: x}}").find("allowed: an absolute path") !=
        std::string::npos);
}

TEST_CASE("Contradictions are found", "[unit][config]") {
  CHECK(errors("imapd: {listeners: {imaps: ':993'}}").find("no certificates") != std::string::npos);
  CHECK(errors("mta: {limits: {in_flight: 1MiB}}").find("less than message_size") != std::string::npos);
  CHECK(errors("rpc: {tcp_host: 10.0.0.1}").find("mutual TLS") != std::string::npos);
  CHECK(errors("rpc: {dir: /" + std::string(100, 'x') + "}").find("at most 95") != std::string::npos);
  CHECK(errors("mta: {listeners: {mx: {address: ':25', proxy_protocol: true}}}").find("proxy_trusted") !=
        std::string::npos);
}

TEST_CASE("The environment wins over the file and is named in errors", "[unit][config]") {
  const auto config = read("mta: {hostname: a.test}", {"DROMOS_MTA__HOSTNAME=b.test", "DROMOS_TEST_PG=x",
                                                       "DROMOS_MTA__LISTENERS__MX=[\"127.0.0.1:0\", \":25\"]",
                                                       "DROMOS_DATABASE__CONNINFO=host=/tmp/x dbname=d"});
  REQUIRE(config);
  CHECK(config->mta.hostname == "b.test");
  CHECK(config->mta.mx.size() == 2);
  CHECK(config->database.conninfo == "host=/tmp/x dbname=d");
  CHECK(errors("", {"DROMOS_MTA__LIMITS__ERRORS=few"}) ==
        "environment DROMOS_MTA__LIMITS__ERRORS: mta.limits.errors: found \"few\"; allowed: a whole number "
        "from 1 "
        "to 1000000\n");
  CHECK(errors("", {"DROMOS_MTA__HOSTNMAE=x"}).find("did you mean \"hostname\"?") != std::string::npos);
  CHECK(errors("mta: 5", {"DROMOS_MTA__HOSTNAME=x"}).find("names a key below t.yaml:1") != std::string::npos);
}

TEST_CASE("A secret may stand in a file, and only the first line counts", "[unit][config]") {
  TemporaryFile file("s3'cret\\\nsecond line\n");
  const auto config = read("database: {password_file: " + file.path + "}");
  REQUIRE(config);
  CHECK(config->database.password.reveal() == "s3'cret\\");
  CHECK(conninfo_for(*config, Daemon::imapd) ==
        "host=/run/postgresql dbname=dromos user=dromos_imapd password='s3\\'cret\\\\' "
        "application_name=dromos_imapd connect_timeout=5");
  CHECK(errors("database: {password: x, password_file: " + file.path + "}").find("one of the two") !=
        std::string::npos);
  CHECK(errors("database: {password_file: /nonexistent}").find("cannot read the file") != std::string::npos);
  CHECK(parse("database: {password_file: /nonexistent}", "t.yaml", std::nullopt, nullptr));
}

TEST_CASE("A conninfo that names its user keeps it", "[unit][config]") {
  const auto config = read("database: {conninfo: 'host=/x user=postgres'}");
  REQUIRE(config);
  CHECK(conninfo_for(*config, Daemon::mta) ==
        "host=/x user=postgres application_name=dromos_mta connect_timeout=5");
}

TEST_CASE("What is enforced of MESSAGELIMIT is announced first", "[unit][config]") {
  const auto limits = [](const std::string& text) { return errors("imapd: {limits: {" + text + "}}"); };
  const auto defaults = read("");
  CHECK(defaults->imapd.limits.messages_per_command == 100'000);
  CHECK(defaults->imapd.limits.messages_per_command_enforced == 0);
  const auto set = read("imapd: {limits: {messages_per_command: 1000, messages_per_command_enforced: 1000}}");
  REQUIRE(set);
  CHECK(set->imapd.limits.messages_per_command_enforced == 1000);
  CHECK(read("imapd: {limits: {messages_per_command: 0}}"));
  CHECK(read("imapd: {limits: {messages_per_command_enforced: 4000000000}}"));
  CHECK(limits("messages_per_command: 999").find("imapd.limits.messages_per_command: is 999; allowed: 0") !=
        std::string::npos);
  CHECK(limits("messages_per_command_enforced: 99999").find("is less than messages_per_command") !=
        std::string::npos);
  CHECK(limits("messages_per_command: 0, messages_per_command_enforced: 5000").find("is set, while") !=
        std::string::npos);
  CHECK_FALSE(limits("messages_per_command: -1").empty());
}

TEST_CASE("Hostile YAML is refused within bounds", "[unit][config]") {
  CHECK(errors("a: &x [1]\nb: *x\n").find("anchors and aliases") != std::string::npos);
  CHECK(errors("a: !!python/object x").find("tags") != std::string::npos);
  CHECK(errors("mta: {}\nmta: {}").find("given twice") != std::string::npos);
  CHECK(errors("--- {}\n--- {}").find("more than one document") != std::string::npos);
  CHECK(errors("[1, 2]").find("found a list; allowed: sections") != std::string::npos);
  CHECK(errors("{[a]: b}").find("a key must be a word") != std::string::npos);
  CHECK(errors("mta: {hostname").find("t.yaml:1: is not valid YAML") == 0);
  CHECK(errors(std::string("a\0b", 3)).find("not UTF-8") != std::string::npos);
  CHECK(errors("\xff").find("not UTF-8") != std::string::npos);
  CHECK(errors(std::string(kMaxFileSize + 1, '#')).find("allowed: at most") != std::string::npos);
  CHECK(read(std::string(kMaxFileSize, '#')));
  std::string deep = "a: ";
  deep.append(kMaxDepth - 1, '[').append(kMaxDepth - 1, ']');
  CHECK(parse_tree(deep, "t.yaml"));
  deep = "a: ";
  deep.append(kMaxDepth, '[').append(kMaxDepth, ']');
  CHECK(parse_tree(deep, "t.yaml").error().text().find("nested deeper") != std::string::npos);
  CHECK_FALSE(errors(std::string(100'000, '[')).empty());
  std::string wide = "a: [";
  for (size_t i = 0; i < kMaxNodes; ++i) wide += "1,";
  CHECK(errors(wide + "1]").find("more than") != std::string::npos);
}

TEST_CASE("More faults than fit are counted", "[unit][config]") {
  std::string yaml;
  for (int i = 0; i < 150; ++i) yaml += "zzzzzzzzzzzzz" + std::to_string(i) + ": 1\n";
  CHECK(errors(yaml).ends_with("... and 50 more\n"));
}

TEST_CASE("A missing file is an error, not a default", "[unit][config]") {
  const auto config = load("/nonexistent/dromos.yaml", Daemon::mta, nullptr);
  REQUIRE_FALSE(config);
  CHECK(config.error().text().find("/nonexistent/dromos.yaml: cannot be read") == 0);
}

TEST_CASE("The example is valid and shows the defaults", "[unit][config]") {
  std::ifstream in = open_in_repository("deploy/dromos.yaml.example");
  REQUIRE(in);
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  const auto example = read(text);
  if (!example) FAIL(example.error().text());
  const auto defaults = read("");
  CHECK(example->mta.limits.message_size == defaults->mta.limits.message_size);
  CHECK(example->mta.outbound.expire_after == defaults->mta.outbound.expire_after);
  CHECK(example->imapd.limits.snapshot_budget == defaults->imapd.limits.snapshot_budget);
  CHECK(example->imapd.limits.messages_per_command == defaults->imapd.limits.messages_per_command);
  CHECK(example->imapd.limits.search_texts == defaults->imapd.limits.search_texts);
  CHECK(example->jmapd.limits.request_timeout == defaults->jmapd.limits.request_timeout);
  CHECK(example->admind.common.metrics == defaults->admind.common.metrics);
  CHECK(example->database.owner_conninfo == defaults->database.owner_conninfo);
}
