#include "common/crypto/crypto.h"

#include <catch2/catch.hpp>

#include "common/base/strings.h"

using namespace dromos;

TEST_CASE("digests match their published vectors", "[unit][crypto]") {
  REQUIRE(hex(crypto::as_bytes(crypto::sha256("abc"))) ==
          "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  crypto::Sha256Stream stream;
  stream.update("a");
  stream.update("bc");
  REQUIRE(stream.finish() == crypto::sha256("abc"));
  // RFC 6070 §2, and the same input with SHA-256.
  REQUIRE(hex(crypto::pbkdf2_sha1("password", "salt", 2)) == "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957");
  REQUIRE(hex(crypto::pbkdf2_sha256("password", "salt", 2)) ==
          "ae4d0c95af6b46d32d0adff928f06dd02a303f8ef3c251dfd6e2d85a95474c43");
}

TEST_CASE("sealed secrets open with the same key and context only", "[unit][crypto]") {
  const std::string key(32, 'k'), other(32, 'o');
  const std::string sealed = crypto::seal(key, "dkim:1", "secret");
  REQUIRE(crypto::unseal(key, "dkim:1", sealed) == "secret");
  REQUIRE_FALSE(crypto::unseal(key, "dkim:2", sealed));
  REQUIRE_FALSE(crypto::unseal(other, "dkim:1", sealed));
  std::string broken = sealed;
  broken.back() = static_cast<char>(broken.back() ^ 1);
  REQUIRE_FALSE(crypto::unseal(key, "dkim:1", broken));
  REQUIRE_FALSE(crypto::unseal(key, "dkim:1", "short"));
}
