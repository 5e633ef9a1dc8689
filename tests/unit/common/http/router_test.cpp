#include "common/http/router.h"

#include <catch2/catch.hpp>

#include "common/http/path.h"

using namespace dromos;
using namespace dromos::http;

namespace {

Task<Response> nothing(Request&) {
  co_return Response(200);
}

Router make_router() {
  Router router;
  router.add(Method::get, "/", nothing);
  router.add(Method::get, "/api/v1/domains", nothing);
  router.add(Method::post, "/api/v1/domains", nothing);
  router.add(Method::get, "/api/v1/domains/{name}", nothing);
  router.add(Method::delete_, "/api/v1/domains/{domain}", nothing);
  router.add(Method::get, "/api/v1/domains/special", nothing);
  router.add(Method::get, "/api/v1/domains/{name}/accounts/{account}", nothing);
  router.add(Method::get, "/assets/{path...}", nothing);
  router.add(Method::propfind, "/dav/{path...}", nothing);
  return router;
}

/// "pattern a=b ..." or the status.
std::string match(const Router& router, Method method, std::string_view target) {
  const Match found = router.match(method, target);
  if (found.route == nullptr) return std::to_string(found.status);
  std::string out = found.route->pattern;
  for (const auto& [name, value] : found.parameters) out += " " + std::string(name) + "=" + value;
  return out;
}

}  // namespace

TEST_CASE("paths find their pattern, literals first", "[unit][http]") {
  const Router router = make_router();
  CHECK(match(router, Method::get, "/") == "/");
  CHECK(match(router, Method::get, "/?a=/b") == "/");
  CHECK(match(router, Method::get, "/api/v1/domains") == "/api/v1/domains");
  CHECK(match(router, Method::head, "/api/v1/domains?x") == "/api/v1/domains");
  CHECK(match(router, Method::get, "/api/v1/domains/special") == "/api/v1/domains/special");
  CHECK(match(router, Method::get, "/api/v1/domains/a.test") == "/api/v1/domains/{name} name=a.test");
  CHECK(match(router, Method::delete_, "/api/v1/domains/a.test") == "/api/v1/domains/{domain} domain=a.test");
  CHECK(match(router, Method::get, "/api/v1/domains/special/accounts/x%2fy%40z") ==
        "/api/v1/domains/{name}/accounts/{account} name=special account=x/y@z");
  CHECK(match(router, Method::get, "/assets/js/app.js") == "/assets/{path...} path=js/app.js");
  CHECK(match(router, Method::get, "/assets/") == "/assets/{path...} path=");
  CHECK(match(router, Method::propfind, "/dav/a/b/") == "/dav/{path...} path=a/b/");
}

TEST_CASE("what is not there, not allowed or malformed is told apart", "[unit][http]") {
  const Router router = make_router();
  CHECK(match(router, Method::get, "/api") == "404");
  CHECK(match(router, Method::get, "/api/v1/domains/") == "404");
  CHECK(match(router, Method::get, "/api/v1/domains/a/accounts") == "404");
  CHECK(match(router, Method::get, "/assets/a%2F..%2F..%2Fetc") == "404");
  CHECK(match(router, Method::post, "/api/v1/domains/a") == "405");
  CHECK(router.match(Method::put, "/api/v1/domains").allow == "GET, HEAD, OPTIONS, POST");
  CHECK(router.match(Method::options, "/api/v1/domains").status == 204);
  for (const char* bad :
       {"/assets/../etc/passwd", "/assets/%2e%2e/etc/passwd", "/assets/.%2E/x", "/assets/./x", "/assets//x",
        "/assets/%00", "/assets/a%0d%0ab", "/assets/%", "/assets/%4", "/assets/%zz", "/assets/%ff",
        "/assets/%c0%af", "//evil.test/", "/assets/%7f"}) {
    INFO(bad);
    CHECK(match(router, Method::get, bad) == "400");
  }
  std::string deep;
  for (int i = 0; i < 65; ++i) deep += "/a";
  CHECK(match(router, Method::get, deep) == "400");
}

TEST_CASE("query strings are decoded and bounded", "[unit][http]") {
  const auto pairs = parse_query("a=1&b=x+y%26&c&&d==");
  REQUIRE(pairs);
  using Pair = std::pair<std::string, std::string>;
  CHECK(*pairs == std::vector<Pair>{{"a", "1"}, {"b", "x y&"}, {"c", ""}, {"d", "="}});
  CHECK_FALSE(parse_query("a=%0"));
  CHECK_FALSE(parse_query("a=%00"));
  std::string many;
  for (size_t i = 0; i < kMaxQueryPairs; ++i) many += "a=1&";
  CHECK(parse_query(many));
  CHECK_FALSE(parse_query(many + "a=1"));
}

TEST_CASE("percent-coding round-trips", "[unit][http]") {
  const std::string text = "a b/c%\xc3\xa4~?#";
  CHECK(percent_encode(text) == "a%20b%2Fc%25%C3%A4~%3F%23");
  CHECK(percent_decode(percent_encode(text)) == text);
  CHECK(percent_decode("a+b") == "a+b");
  CHECK(percent_decode("a+b", true) == "a b");
}
