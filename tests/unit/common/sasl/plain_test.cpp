#include <catch2/catch.hpp>

#include "common/base/strings.h"
#include "common/sasl/client.h"
#include "common/sasl/framing.h"
#include "common/sasl/saslprep.h"
#include "common/sasl/server.h"

using namespace dromos;
using namespace dromos::sasl;

namespace {

ServerOptions tls() {
  ServerOptions o;
  o.tls = true;
  return o;
}

template <size_t N>
std::string bytes(const char (&text)[N]) {
  return {text, N - 1};
}

}  // namespace

TEST_CASE("PLAIN asks for the password it was given", "[unit][sasl]") {
  const auto server = make_server("plain", tls());
  const Step ask = server->step(bytes("\0tim\0tanstaaftanstaaf"));  // RFC 4616 §4
  REQUIRE(std::holds_alternative<NeedPassword>(ask));
  REQUIRE(std::get<NeedPassword>(ask).authcid == "tim");
  REQUIRE(std::get<NeedPassword>(ask).password == "tanstaaftanstaaf");
  REQUIRE(std::get<NeedPassword>(ask).authzid.empty());
  REQUIRE(std::get<Done>(server->password_result(true)).authcid == "tim");
  REQUIRE(std::holds_alternative<Failed>(server->password_result(true)));
  REQUIRE(std::holds_alternative<Failed>(server->step(bytes("\0tim\0x"))));

  const auto other = make_server("PLAIN", tls());
  REQUIRE(std::get<Challenge>(other->step(std::nullopt)).bytes.empty());
  const Step as = other->step(bytes("Ursel\0Kurt\0xipj3plmq"));
  REQUIRE(std::get<NeedPassword>(as).authzid == "Ursel");
  REQUIRE(std::get<Failed>(other->password_result(false)).code == sasl::Errc::bad_credentials);
}

TEST_CASE("malformed PLAIN and LOGIN fail", "[unit][sasl]") {
  for (const std::string& bad :
       {std::string(), bytes("tim"), bytes("\0tim"), bytes("\0tim\0"), bytes("\0\0pw"), bytes("\0tim\0a\0b"),
        bytes("\0t\x01m\0pw"), bytes("\0\xFF\0pw"), bytes("\0tim\0\xFF"),
        bytes("\0") + std::string(513, 'a') + bytes("\0pw"), bytes("\0tim\0") + std::string(1025, 'a'),
        bytes("\x01\0tim\0pw")}) {
    CAPTURE(bad);
    REQUIRE(std::holds_alternative<Failed>(make_server("PLAIN", tls())->step(bad)));
  }
  const auto login = make_server("LOGIN", tls());
  REQUIRE(std::get<Challenge>(login->step(std::nullopt)).bytes == "Username:");
  REQUIRE(std::get<Challenge>(login->step("")).bytes == "Password:");
  REQUIRE(std::holds_alternative<Failed>(login->step("pw")));
}

TEST_CASE("LOGIN takes the name first or with the command", "[unit][sasl]") {
  for (const bool with_initial : {false, true}) {
    const auto login = make_server("LOGIN", tls());
    if (!with_initial) REQUIRE(std::get<Challenge>(login->step(std::nullopt)).bytes == "Username:");
    REQUIRE(std::get<Challenge>(login->step("tim")).bytes == "Password:");
    const Step ask = login->step("pw");
    REQUIRE(std::get<NeedPassword>(ask).authcid == "tim");
    REQUIRE(std::get<NeedPassword>(ask).password == "pw");
    REQUIRE(std::get<Done>(login->password_result(true)).authcid == "tim");
  }
}

TEST_CASE("EXTERNAL is offered with a certificate only", "[unit][sasl]") {
  REQUIRE_FALSE(make_server("EXTERNAL", tls()));
  ServerOptions o = tls();
  o.external_authcid = "mx.example.test";
  const auto server = make_server("EXTERNAL", o);
  const Step ask = server->step("bob");
  REQUIRE(std::get<NeedExternal>(ask).authcid == "mx.example.test");
  REQUIRE(std::get<NeedExternal>(ask).authzid == "bob");
  REQUIRE(std::get<Done>(server->external_result(true)).authzid == "bob");
  const auto refused = make_server("EXTERNAL", o);
  refused->step("");
  REQUIRE(std::holds_alternative<Failed>(refused->external_result(false)));
}

TEST_CASE("mechanisms are offered strongest first and passwords in the clear only over TLS", "[unit][sasl]") {
  using Names = std::vector<std::string>;
  REQUIRE(offered_mechanisms(ServerOptions()) == Names{"SCRAM-SHA-256"});
  REQUIRE(offered_mechanisms(tls()) == Names{"SCRAM-SHA-256", "PLAIN", "LOGIN"});
  ServerOptions all = tls();
  all.scram_sha1 = true;
  all.bindings = {{"tls-exporter", "x"}};
  all.external_authcid = "c";
  REQUIRE(offered_mechanisms(all) == Names{"EXTERNAL", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS",
                                           "SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN"});
  REQUIRE_FALSE(make_server("PLAIN", ServerOptions()));
  REQUIRE_FALSE(make_server("LOGIN", ServerOptions()));
  REQUIRE_FALSE(make_server("CRAM-MD5", all));
  REQUIRE_FALSE(make_server("", all));
  REQUIRE_FALSE(make_client("CRAM-MD5", {}));
}

TEST_CASE("clients of PLAIN and LOGIN say what servers ask", "[unit][sasl]") {
  ClientOptions c;
  c.authcid = "tim";
  c.password = "pw";
  const auto plain = make_client("PLAIN", c);
  REQUIRE(*plain->initial() == bytes("\0tim\0pw"));
  REQUIRE_FALSE(plain->step(""));
  const auto waiting = make_client("PLAIN", c);
  REQUIRE(waiting->step("").value() == bytes("\0tim\0pw"));
  const auto login = make_client("LOGIN", c);
  REQUIRE_FALSE(login->initial());
  REQUIRE(login->step("User Name").value() == "tim");
  REQUIRE(login->step("Password:").value() == "pw");
  REQUIRE(login->complete());
  REQUIRE_FALSE(login->step(""));
}

TEST_CASE("base64 framing knows the empty response and the cancel", "[unit][sasl]") {
  REQUIRE(decode_initial("=").value().empty());
  REQUIRE(decode_initial("YWI=").value() == "ab");
  REQUIRE_FALSE(decode_initial(""));
  REQUIRE(decode_response("").value().empty());
  REQUIRE(decode_response("*").error().is(sasl::Errc::cancelled));
  for (const char* bad : {"=", "YWI", "YW I=", "YWI=\r", "!", "YWI=YWI="})
    REQUIRE(decode_response(bad).error().is(sasl::Errc::malformed));
  REQUIRE_FALSE(decode_response(std::string(kMaxEncoded + 4, 'A')));
  REQUIRE(encode_initial("") == "=");
  REQUIRE(encode_initial("ab") == "YWI=");
}

TEST_CASE("SASLprep gives the examples of RFC 4013 §3", "[unit][sasl]") {
  REQUIRE(saslprep("I\xC2\xADX") == "IX");
  REQUIRE(saslprep("user") == "user");
  REQUIRE(saslprep("USER") == "USER");
  REQUIRE(saslprep("\xC2\xAA") == "a");
  REQUIRE(saslprep("\xE2\x85\xA8") == "IX");
  REQUIRE_FALSE(saslprep("\x07"));
  REQUIRE_FALSE(saslprep("\xD8\xA7\x31"));
  REQUIRE(saslprep("a\xC2\xA0"
                   "b") == "a b");
  REQUIRE_FALSE(saslprep("\xFF"));
  REQUIRE_FALSE(saslprep(std::string(2000, 'a')));
  REQUIRE(prepare_password("\x07") == "\x07");
  REQUIRE(prepare_password("\xF0\x9F\x98\x80") == "\xF0\x9F\x98\x80");
  // The worst growth NFKC has stays within the buffer: U+FDFA becomes 18 code points.
  std::string arabic;
  for (int i = 0; i < 341; ++i) arabic += "\xEF\xB7\xBA";
  REQUIRE(saslprep(arabic));
}
