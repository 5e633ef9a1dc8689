#include "common/directory/password.h"

#include <catch2/catch.hpp>

#include "common/base/strings.h"
#include "common/crypto/crypto.h"
#include "common/directory/errc.h"

using namespace dromos;
using namespace dromos::directory;

namespace {
// From the tests of the Argon2 reference implementation (version 0x13): "password" with salt "somesalt".
constexpr const char* kVector256 =
    "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
// From the specification of SHA-crypt, and of bcrypt's test suite.
constexpr const char* kSha512 =
    "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1";
constexpr const char* kSha256 = "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5";
constexpr const char* kBcrypt = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
}  // namespace

TEST_CASE("argon2id agrees with the reference vectors", "[unit][directory]") {
  CHECK(argon2id_verify(kVector256, "password"));
  CHECK_FALSE(argon2id_verify(kVector256, "passwore"));
  CHECK_FALSE(argon2id_verify(kVector256, ""));
}

TEST_CASE("an own hash carries its cost and a salt of its own", "[unit][directory]") {
  const std::string one = argon2id_hash("secret");
  const std::string two = argon2id_hash("secret");
  CHECK(one.rfind("$argon2id$v=19$m=19456,t=2,p=1$", 0) == 0);
  CHECK(one != two);
  CHECK(argon2id_verify(one, "secret"));
  CHECK_FALSE(argon2id_verify(one, "secreT"));
}

TEST_CASE("passwords in another normal form are the same password", "[unit][directory]") {
  const std::string hash = argon2id_hash("gr\xc3\xbc\xc3\x9f");
  CHECK(argon2id_verify(hash, "gru\xcc\x88\xc3\x9f"));
}

TEST_CASE("imported crypt hashes verify", "[unit][directory]") {
  CHECK(crypt_verify(kSha512, "Hello world!"));
  CHECK(crypt_verify(kSha256, "Hello world!"));
  CHECK(crypt_verify(kBcrypt, "U*U"));
  CHECK_FALSE(crypt_verify(kSha512, "Hello world"));
  CHECK_FALSE(crypt_verify(kBcrypt, std::string("U*U\0x", 5)));
  CHECK_FALSE(crypt_verify("", ""));
  CHECK_FALSE(crypt_verify("*0", ""));
}

TEST_CASE("hash texts are taken with and without their label", "[unit][directory]") {
  CHECK(parse_password_hash(std::string("{ARGON2ID}") + kVector256)->scheme == "argon2id");
  CHECK(parse_password_hash(kVector256)->hash == kVector256);
  CHECK(parse_password_hash(std::string("{sha512-crypt}") + kSha512)->scheme == "crypt");
  CHECK(parse_password_hash(std::string("{BLF-CRYPT}") + kBcrypt)->scheme == "crypt");
  CHECK(parse_password_hash(kSha256)->scheme == "crypt");
  const auto scram = sasl::make_scram_verifier("pencil");
  CHECK(parse_password_hash(scram.to_string())->sha256 == scram);
}

TEST_CASE("unknown schemes, bare passwords and ruinous costs are refused", "[unit][directory]") {
  for (const char* text :
       {"", "secret", "{PLAIN}secret", "{ARGON2ID}secret", "{", "{}", "{MD5}abc",
        "$argon2id$v=19$m=4000000,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR",
        "$argon2id$v=19$m=256,t=2000,p=1$c29tZXNhbHQ$nf65", "$argon2id$v=19$m=256,t=2$c29tZXNhbHQ$nf65",
        "$6$rounds=999999999$salt$hash", "$2y$31$abcdefghijklmnopqrstuv", "$9$x$y"}) {
    INFO(text);
    const auto parsed = parse_password_hash(text);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().is(directory::Errc::invalid_hash));
  }
  CHECK_FALSE(parse_password_hash("{CRYPT}$6$salt$" + std::string(600, 'a')));
  CHECK_FALSE(argon2id_verify("$argon2id$v=19$m=4000000,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR", "x"));
}

TEST_CASE("SCRAM verifiers are made with the hash and hold RFC 5802's keys", "[unit][directory]") {
  const StoredPassword stored = make_password("pencil");
  REQUIRE(stored.sha256);
  REQUIRE(stored.sha1);
  CHECK(stored.scheme == "argon2id");
  const std::string salted = crypto::pbkdf2_sha256("pencil", stored.sha256->salt, stored.sha256->iterations);
  const std::string client_key = crypto::hmac_sha256(salted, "Client Key");
  CHECK(stored.sha256->stored_key == crypto::as_bytes(crypto::sha256(client_key)));
  CHECK(stored.sha256->server_key == crypto::hmac_sha256(salted, "Server Key"));
  const std::string salted1 = crypto::pbkdf2_sha1("pencil", stored.sha1->salt, stored.sha1->iterations);
  CHECK(stored.sha1->server_key == crypto::hmac_sha1(salted1, "Server Key"));
  CHECK(stored.sha256->iterations >= 4096);
  CHECK(stored.sha256->salt != make_password("pencil").sha256->salt);
}

TEST_CASE("a stored password of any scheme verifies and refuses", "[unit][directory]") {
  for (const StoredPassword& stored :
       {make_password("U*U"), make_scram_password("U*U", false), *parse_password_hash(kBcrypt)}) {
    INFO(stored.scheme);
    CHECK(verify_stored(stored, "U*U"));
    CHECK_FALSE(verify_stored(stored, "U*V"));
  }
  CHECK_FALSE(verify_stored(StoredPassword{}, ""));
  CHECK_FALSE(make_scram_password("x", false).sha1);
  CHECK(make_scram_password("x", true).sha1);
}

TEST_CASE("app passwords survive how people type them; nothing else looks like one", "[unit][directory]") {
  const Secret secret = make_app_password();
  CHECK(secret.hash.size() == 32);
  CHECK(app_password_hash(secret.text) == secret.hash);
  CHECK(app_password_hash(to_upper(secret.text)) == secret.hash);
  std::string spaced = secret.text;
  for (char& c : spaced)
    if (c == '-') c = ' ';
  CHECK(app_password_hash(spaced) == secret.hash);
  CHECK_FALSE(app_password_hash("correct horse battery staple"));
  CHECK_FALSE(app_password_hash(""));
  CHECK_FALSE(app_password_hash(std::string(1000, 'a')));
  CHECK(make_app_password().text != secret.text);

  const Secret key = make_api_key();
  CHECK(key.text.rfind("dk_", 0) == 0);
  CHECK(api_key_hash(key.text) == key.hash);
  CHECK_FALSE(api_key_hash(secret.text));
  CHECK_FALSE(api_key_hash("dk_"));
}
