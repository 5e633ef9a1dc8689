#include <catch2/catch.hpp>

#include "common/base/strings.h"
#include "common/sasl/client.h"
#include "common/sasl/server.h"

using namespace dromos;
using namespace dromos::sasl;

namespace {

struct Vector {
  ScramHash hash;
  const char *mechanism, *client_nonce, *server_nonce, *salt, *first, *server_first, *final, *server_final;
};

// RFC 5802 §5 and RFC 7677 §3.
const Vector kVectors[] = {
    {ScramHash::sha1, "SCRAM-SHA-1", "fyko+d2lbbFgONRv9qkxdawL", "3rfcNHYJY1ZVvWVs7j", "QSXCR+Q6sek8bf92",
     "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
     "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
     "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
     "v=rmF9pqV8S7suAoZWja4dJRkFsKQ="},
    {ScramHash::sha256, "SCRAM-SHA-256", "rOprNGfwEbeRWgbNEkqO", "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
     "W22ZaJ0SNY7soEsUEjb6gQ==", "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
     "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
     "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+"
     "Ute9ytag9zjfMHgsqmmiz7AndVQ=",
     "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="},
};

ServerOptions options() {
  ServerOptions o;
  o.tls = true;
  o.scram_sha1 = true;
  o.fake_salt_key = "0123456789abcdef0123456789abcdef";
  return o;
}

std::string challenge(const Step& step) {
  INFO((std::holds_alternative<Failed>(step) ? std::get<Failed>(step).reason : ""));
  REQUIRE(std::holds_alternative<Challenge>(step));
  return std::get<Challenge>(step).bytes;
}

sasl::Errc failure(const Step& step) {
  REQUIRE(std::holds_alternative<Failed>(step));
  return std::get<Failed>(step).code;
}

/// Client against server with `verifier` as the directory's answer; the last step.
Step run(ServerMechanism& server, ClientMechanism& client, std::optional<ScramVerifier> verifier) {
  Step step = server.step(*client.initial());
  while (true) {
    if (std::holds_alternative<NeedScram>(step)) step = server.scram_credentials(verifier);
    if (!std::holds_alternative<Challenge>(step)) return step;
    const auto answer = client.step(std::get<Challenge>(step).bytes);
    if (!answer) return Failed{sasl::Errc::malformed, "client: " + answer.error().message()};
    step = server.step(*answer);
  }
}

ClientOptions client_options(std::string name, std::string password) {
  ClientOptions o;
  o.authcid = std::move(name);
  o.password = std::move(password);
  return o;
}

}  // namespace

TEST_CASE("SCRAM speaks the exchanges of RFC 5802 and RFC 7677 on both sides", "[unit][sasl]") {
  for (const Vector& v : kVectors) {
    CAPTURE(v.mechanism);
    ServerOptions o = options();
    o.server_nonce = v.server_nonce;
    const auto server = make_server(v.mechanism, o);
    REQUIRE(server);
    ClientOptions c = client_options("user", "pencil");
    c.nonce = v.client_nonce;
    const auto client = make_client(v.mechanism, c);
    REQUIRE(client);
    const ScramVerifier verifier = make_scram_verifier("pencil", *unbase64(v.salt), 4096, v.hash);

    REQUIRE(*client->initial() == v.first);
    const Step need = server->step(v.first);
    REQUIRE(std::holds_alternative<NeedScram>(need));
    REQUIRE(std::get<NeedScram>(need).authcid == "user");
    REQUIRE(challenge(server->scram_credentials(verifier)) == v.server_first);
    REQUIRE(client->step(v.server_first).value() == v.final);
    REQUIRE(challenge(server->step(v.final)) == v.server_final);
    REQUIRE_FALSE(client->complete());
    REQUIRE(client->step(v.server_final).value().empty());
    REQUIRE(client->complete());
    const Step done = server->step("");
    REQUIRE(std::holds_alternative<Done>(done));
    REQUIRE(std::get<Done>(done).authcid == "user");
  }
}

TEST_CASE("a wrong password, a wrong proof and a replayed exchange fail", "[unit][sasl]") {
  const ScramVerifier verifier = make_scram_verifier("secret");
  const auto try_password = [&](const char* password) {
    const auto server = make_server("SCRAM-SHA-256", options());
    const auto client = make_client("SCRAM-SHA-256", client_options("alice", password));
    return run(*server, *client, verifier);
  };
  REQUIRE(std::holds_alternative<Done>(try_password("secret")));
  REQUIRE(failure(try_password("Secret")) == sasl::Errc::bad_credentials);

  const Vector& v = kVectors[1];
  const auto fresh = make_server(v.mechanism, options());  // another server nonce
  fresh->step(v.first);
  challenge(fresh->scram_credentials(make_scram_verifier("pencil", *unbase64(v.salt), 4096)));
  REQUIRE(failure(fresh->step(v.final)) == sasl::Errc::malformed);
  REQUIRE(failure(fresh->step(v.final)) == sasl::Errc::malformed);
}

TEST_CASE("unknown names see the same exchange, with a salt that does not change", "[unit][sasl]") {
  const auto first_of = [](const char* name, const ServerOptions& o,
                           const char* mechanism = "SCRAM-SHA-256") {
    const auto server = make_server(mechanism, o);
    server->step("n,,n=" + std::string(name) + ",r=abc");
    const std::string first = challenge(server->scram_credentials(std::nullopt));
    return first.substr(first.find(",s="));
  };
  REQUIRE(first_of("nobody", options()) == first_of("nobody", options()));
  REQUIRE(first_of("nobody", options()) == first_of("NoBody", options()));
  REQUIRE(first_of("nobody", options()) != first_of("noone", options()));
  REQUIRE(first_of("nobody", options()) != first_of("nobody", options(), "SCRAM-SHA-1"));
  ServerOptions bound = options();
  bound.bindings = {{"tls-exporter", "x"}};
  REQUIRE(first_of("nobody", options()) == first_of("nobody", bound));
  ServerOptions other = options();
  other.fake_salt_key = "another";
  REQUIRE(first_of("nobody", options()) != first_of("nobody", other));
  // The shape is that of a real verifier.
  const ScramVerifier real = make_scram_verifier("x");
  const auto server = make_server("SCRAM-SHA-256", options());
  server->step("n,,n=real,r=abc");
  const std::string first = challenge(server->scram_credentials(real));
  REQUIRE(first.substr(first.find(",s=")).size() == first_of("nobody", options()).size());

  const auto server2 = make_server("SCRAM-SHA-256", options());
  const auto client = make_client("SCRAM-SHA-256", client_options("nobody", "any"));
  REQUIRE(failure(run(*server2, *client, std::nullopt)) == sasl::Errc::bad_credentials);
  // A verifier for the other hash is as good as none.
  const auto server3 = make_server("SCRAM-SHA-256", options());
  const auto client3 = make_client("SCRAM-SHA-256", client_options("sha1only", "x"));
  REQUIRE(failure(run(*server3, *client3, make_scram_verifier("x", ScramHash::sha1))) ==
          sasl::Errc::bad_credentials);
}

TEST_CASE("channel binding binds, and its absence is seen as a downgrade", "[unit][sasl]") {
  const ScramVerifier verifier = make_scram_verifier("secret");
  ServerOptions o = options();
  o.bindings = {{"tls-exporter", "EKM"}, {"tls-server-end-point", "HASH"}};
  ClientOptions c = client_options("alice", "secret");
  const auto attempt = [&](std::string type, std::string data) {
    c.binding = ChannelBinding{std::move(type), std::move(data)};
    const auto server = make_server("scram-sha-256-plus", o);
    REQUIRE(server->name() == "SCRAM-SHA-256-PLUS");
    return run(*server, *make_client("SCRAM-SHA-256-PLUS", c), verifier);
  };
  REQUIRE(std::holds_alternative<Done>(attempt("tls-exporter", "EKM")));
  REQUIRE(std::holds_alternative<Done>(attempt("tls-server-end-point", "HASH")));
  REQUIRE(failure(attempt("tls-exporter", "other connection")) == sasl::Errc::channel_binding);
  REQUIRE(failure(attempt("tls-exporter", "HASH")) == sasl::Errc::channel_binding);
  REQUIRE(failure(attempt("tls-unique", "EKM")) == sasl::Errc::channel_binding);

  REQUIRE(failure(make_server("SCRAM-SHA-256", o)->step("y,,n=a,r=b")) == sasl::Errc::channel_binding);
  REQUIRE(failure(make_server("SCRAM-SHA-256-PLUS", o)->step("n,,n=a,r=b")) == sasl::Errc::channel_binding);
  REQUIRE(failure(make_server("SCRAM-SHA-256", o)->step("p=tls-exporter,,n=a,r=b")) ==
          sasl::Errc::channel_binding);
  REQUIRE(std::holds_alternative<NeedScram>(make_server("SCRAM-SHA-256", options())->step("y,,n=a,r=b")));
  REQUIRE_FALSE(make_server("SCRAM-SHA-256-PLUS", options()));
  REQUIRE_FALSE(make_client("SCRAM-SHA-256-PLUS", client_options("a", "b")));
}

TEST_CASE("a changed gs2 header is found by the client's proof", "[unit][sasl]") {
  const auto server = make_server("SCRAM-SHA-256", options());
  const auto client = make_client("SCRAM-SHA-256", client_options("alice", "secret"));
  std::string first = *client->initial();
  first[0] = 'y';  // as a man in the middle would
  server->step(first);
  const auto answer = client->step(challenge(server->scram_credentials(make_scram_verifier("secret"))));
  REQUIRE(failure(server->step(*answer)) == sasl::Errc::channel_binding);
}

TEST_CASE("names and authorization ids are unescaped and prepared", "[unit][sasl]") {
  const auto need = [](std::string first) {
    const Step step = make_server("SCRAM-SHA-256", options())->step(first);
    return std::holds_alternative<NeedScram>(step) ? std::get<NeedScram>(step) : NeedScram{"refused", "", {}};
  };
  REQUIRE(need("n,,n=a=2Cb=3Dc,r=x").authcid == "a,b=c");
  REQUIRE(need("n,a=boss,n=alice,r=x").authzid == "boss");
  REQUIRE(need("n,,n=I\xC2\xADX,r=x").authcid == "IX");  // RFC 4013 §3
  REQUIRE(need("n,,n=\xC2\xAA,r=x").authcid == "a");
  REQUIRE(need("n,,n=\xE2\x85\xA8,r=x").authcid == "IX");
  ClientOptions c = client_options("a,b=c", "p");
  c.nonce = "x";
  c.authzid = "d,e";
  REQUIRE(*make_client("SCRAM-SHA-256", c)->initial() == "n,a=d=2Ce,n=a=2Cb=3Dc,r=x");
}

TEST_CASE("malformed SCRAM messages fail and leave nothing to go on with", "[unit][sasl]") {
  const std::string firsts[] = {
      "",
      "n",
      "n,",
      "n,,",
      "n,,n=a",
      "n,,r=b,n=a",
      "n,,n=a,r=",
      "x,,n=a,r=b",
      "p=,,n=a,r=b",
      "n,x=a,n=a,r=b",
      "n,a=,n=a,r=b",
      "n,a==2X,n=a,r=b",
      "n,,n=,r=b",
      "n,,n==2x,r=b",
      "n,,n==,r=b",
      "n,,m=ext,n=a,r=b",
      "n,,n=a,r=b c",
      "n,,n=\xFF,r=b",
      "n,,n=\x01,r=b",
      "n,,n=\xD8\xA7"
      "1,r=b",
      std::string("n,,n=a\0b,r=c", 12),
      "n,,n=" + std::string(600, 'a') + ",r=b",
      "n,,n=a,r=" + std::string(300, 'b'),
      std::string(5000, 'n'),
      "n,,n=a,r=b" +
          [] {
            std::string s;
            for (int i = 0; i < 20; ++i) s += ",x=y";
            return s;
          }(),
  };
  for (const std::string& first : firsts) {
    CAPTURE(first);
    const auto server = make_server("SCRAM-SHA-256", options());
    REQUIRE(failure(server->step(first)) != sasl::Errc::bad_credentials);
    failure(server->step("n,,n=a,r=b"));
    failure(server->scram_credentials(std::nullopt));
  }
  const std::string finals[] = {"",
                                "c=biws",
                                "c=biws,r=bN",
                                "c=biws,r=bN,p=",
                                "c=biws,r=bN,p=AAAA",
                                "r=bN,c=biws,p=AAAA",
                                "c=biws,r=bX,p=" + base64(std::string(32, 'x')),
                                "c=!,r=bN,p=" + base64(std::string(32, 'x'))};
  for (const std::string& final : finals) {
    CAPTURE(final);
    ServerOptions o = options();
    o.server_nonce = "N";
    const auto server = make_server("SCRAM-SHA-256", o);
    server->step("n,,n=a,r=b");
    challenge(server->scram_credentials(make_scram_verifier("x")));
    REQUIRE(failure(server->step(final)) == sasl::Errc::malformed);
  }
  REQUIRE(failure(make_server("SCRAM-SHA-256", options())->password_result(true)) == sasl::Errc::malformed);
}

TEST_CASE("the client does not trust a server that proves nothing", "[unit][sasl]") {
  const auto at_final = [] {
    ClientOptions c = client_options("user", "pencil");
    c.nonce = kVectors[1].client_nonce;
    auto client = make_client("SCRAM-SHA-256", c);
    client->initial();
    return client;
  };
  for (const char* bad : {"", "r=other,s=AAAA,i=4096", "r=rOprNGfwEbeRWgbNEkqO,s=AAAA,i=4096",
                          "r=rOprNGfwEbeRWgbNEkqOx,s=AAAA,i=1", "r=rOprNGfwEbeRWgbNEkqOx,s=AAAA,i=2000000000",
                          "r=rOprNGfwEbeRWgbNEkqOx,s=,i=4096", "m=x,r=rOprNGfwEbeRWgbNEkqOx,s=AAAA,i=4096"}) {
    CAPTURE(bad);
    REQUIRE_FALSE(at_final()->step(bad));
  }
  for (const char* bad : {"", "e=other-error", "v=AAAA", "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G5="}) {
    CAPTURE(bad);
    const auto client = at_final();
    REQUIRE(client->step(kVectors[1].server_first));
    REQUIRE_FALSE(client->step(bad));
    REQUIRE_FALSE(client->complete());
    REQUIRE_FALSE(client->step(kVectors[1].server_final));
  }
}

TEST_CASE("verifiers survive their text form and check passwords", "[unit][sasl]") {
  for (const ScramHash hash : {ScramHash::sha1, ScramHash::sha256}) {
    const ScramVerifier verifier = make_scram_verifier("pass\xC3\xBC", hash);
    REQUIRE(ScramVerifier::parse(verifier.to_string()) == verifier);
    REQUIRE(verify_password(verifier, "pass\xC3\xBC"));
    REQUIRE(verify_password(verifier, "passu\xCC\x88"));  // the other normal form
    REQUIRE_FALSE(verify_password(verifier, "passu"));
    REQUIRE(make_scram_verifier("x", hash).salt != make_scram_verifier("x", hash).salt);
  }
  const std::string good = make_scram_verifier("x").to_string();
  for (const std::string& bad :
       {std::string(), std::string("SCRAM-SHA-256$"), "X" + good, good + "A", good + "$",
        "SCRAM-SHA-1" + good.substr(13), std::string("SCRAM-SHA-256$0:AAAA$AAAA:AAAA")}) {
    CAPTURE(bad);
    REQUIRE_FALSE(ScramVerifier::parse(bad));
  }
}
