// SmtpClient: TLS and AUTH.
#include "common/sasl/framing.h"
#include "common/sasl/scram_verifier.h"
#include "common/sasl/server.h"
#include "tests/unit/mta/outbound/smtp_client_script.h"

namespace dromos::mta {
namespace {

using namespace smtp_client_script;

TEST_CASE_METHOD(Fixture, "STARTTLS refused: opportunistic goes on, required does not", "[unit][mta]") {
  options.tls_client = *net::TlsClient::load({.verify = false, .ca_file = {}, .alpn = {}, .certificate = {}});
  script.replies["EHLO"] = "250-mx.a.test\r\n250-STARTTLS\r\n250 DSN\r\n";
  script.replies["STARTTLS"] = GENERATE("454 TLS not available\r\n", "502 No\r\n");
  const bool required = GENERATE(true, false);
  if (required) options.tls = TlsPolicy::required;
  run();
  CHECK(failure.has_value() == required);
  CHECK(talk.messages == (required ? 0u : 1u));
}

TEST_CASE_METHOD(Fixture, "TLS required and not offered is a failure of the host", "[unit][mta]") {
  options.tls_client = *net::TlsClient::load({.verify = false, .ca_file = {}, .alpn = {}, .certificate = {}});
  options.tls = TlsPolicy::required;
  run();
  REQUIRE(failure);
  CHECK(failure->verdict.status == "4.7.10");
  CHECK(count("MAIL") == 0);
}

TEST_CASE_METHOD(Fixture, "Plain text behind the answer to STARTTLS is an attack", "[unit][mta]") {
  options.tls_client = *net::TlsClient::load({.verify = false, .ca_file = {}, .alpn = {}, .certificate = {}});
  script.replies["EHLO"] = "250-mx.a.test\r\n250 STARTTLS\r\n";
  script.replies["STARTTLS"] = "220 Go\r\n250 injected\r\n";
  run();
  REQUIRE(failure);
  CHECK(failure->verdict.diagnostic.find("plain text") != std::string::npos);
  CHECK_FALSE(failure->tls_failed);
}

std::string join_lines(const std::vector<std::string>& lines) {
  std::string out;
  for (const std::string& line : lines) out += line + "\n";
  return out;
}

struct LoginFixture : Fixture {
  LoginFixture() {
    options.credentials = std::make_shared<Credentials>(Credentials{"me", "secret"});
    script.replies["AUTH"] = "235 2.7.0 Ok\r\n";
  }
  void offer(const std::string& mechanisms) {
    script.replies["EHLO"] = "250-mx.a.test\r\n250-DSN\r\n250 AUTH " + mechanisms + "\r\n";
  }
};

TEST_CASE_METHOD(LoginFixture, "PLAIN and LOGIN log in", "[unit][mta]") {
  SECTION("PLAIN") {
    offer("LOGIN PLAIN");
    run();
    CHECK(talk.lines.at(1) == "AUTH PLAIN " + base64(std::string("\0me\0secret", 10)));
  }
  SECTION("LOGIN") {
    offer("LOGIN");
    script.replies["AUTH"] = "334 VXNlcm5hbWU6\r\n";
    script.by_line[base64("me")] = "334 UGFzc3dvcmQ6\r\n";
    script.by_line[base64("secret")] = "235 2.7.0 Ok\r\n";
    run();
  }
  expect_all(Fate::delivered, 250);
}

TEST_CASE_METHOD(LoginFixture, "SCRAM is preferred and makes the server prove itself", "[unit][mta]") {
  offer("PLAIN SCRAM-SHA-256");
  const bool liar = GENERATE(false, true);
  const auto server = std::shared_ptr(sasl::make_server("SCRAM-SHA-256", {}));
  const auto verifier = sasl::make_scram_verifier("secret");
  script.answer = [=, wait = false](const std::string& line) mutable -> std::string {
    std::string bytes;
    if (line.starts_with("AUTH SCRAM-SHA-256 ")) {
      bytes = *sasl::decode_initial(line.substr(19));
      wait = true;
    } else if (wait && line.find(' ') == std::string::npos && line != "QUIT") {
      if (liar) return "235 2.7.0 Ok\r\n";
      bytes = *sasl::decode_response(line);
    } else {
      return "";
    }
    sasl::Step step = server->step(bytes);
    if (std::holds_alternative<sasl::NeedScram>(step)) step = server->scram_credentials(verifier);
    if (const auto* challenge = std::get_if<sasl::Challenge>(&step))
      return "334 " + base64(challenge->bytes) + "\r\n";
    wait = false;
    return std::holds_alternative<sasl::Done>(step) ? "235 2.7.0 Ok\r\n" : "535 5.7.8 No\r\n";
  };
  run();
  if (liar) {
    REQUIRE(failure);
    CHECK(count("MAIL") == 0);
  } else {
    INFO(join_lines(talk.lines) << (failure ? failure->verdict.diagnostic : std::string("no failure")));
    REQUIRE_FALSE(failure);
    expect_all(Fate::delivered, 250);
  }
}

TEST_CASE_METHOD(LoginFixture, "A login that fails is never the mail's fault", "[unit][mta]") {
  SECTION("refused") {
    offer("PLAIN");
    script.replies["AUTH"] = "535 5.7.8 Wrong\r\n";
  }
  SECTION("nothing in common") {
    offer("GSSAPI");
  }
  SECTION("no AUTH at all") {}
  SECTION("endless challenges") {
    offer("LOGIN");
    script.answer = [](const std::string& line) { return line.starts_with("EHLO") ? "" : "334 \r\n"; };
  }
  SECTION("a challenge that is no base64") {
    offer("LOGIN");
    script.replies["AUTH"] = "334 ???\r\n";
  }
  run();
  REQUIRE(failure);
  CHECK(failure->verdict.fate == Fate::deferred);
  CHECK(count("MAIL") == 0);
}

TEST_CASE_METHOD(LoginFixture, "A mechanism that the server forgot is passed over", "[unit][mta]") {
  offer("PLAIN SCRAM-SHA-1");
  script.answer = [](const std::string& line) {
    return line.starts_with("AUTH SCRAM") ? "504 5.5.4 Unknown\r\n" : "";
  };
  run();
  expect_all(Fate::delivered, 250);
}

}  // namespace
}  // namespace dromos::mta
