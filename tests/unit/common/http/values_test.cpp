// Authorization, JSON, problem details, preconditions.
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "common/base/strings.h"
#include "common/http/auth.h"
#include "common/http/conditional.h"
#include "common/http/json.h"
#include "common/http/problem.h"

using namespace dromos;
using namespace dromos::http;

TEST_CASE("Basic and Bearer are read, everything else is nothing", "[unit][http]") {
  const auto basic = parse_authorization("basic " + base64("alice@example.test:pass:word"));
  REQUIRE(std::holds_alternative<BasicCredentials>(basic));
  CHECK(std::get<BasicCredentials>(basic).user == "alice@example.test");
  CHECK(std::get<BasicCredentials>(basic).password == "pass:word");
  const auto bearer = parse_authorization("Bearer abc._~+/-9==");
  REQUIRE(std::holds_alternative<BearerToken>(bearer));
  CHECK(std::get<BearerToken>(bearer).token == "abc._~+/-9==");
  for (const std::string& bad :
       {std::string(), std::string("Basic"), std::string("Basic !!!"), "Basic " + base64("nocolon"),
        "Basic " + base64(std::string("a\0b:c", 5)), "Basic " + base64("\xff:x"), std::string("Bearer "),
        std::string("Bearer a b"), std::string("Bearer =a"), std::string("Bearer a=b"),
        std::string("Digest x=y"), "Bearer " + std::string(5000, 'a')}) {
    INFO(bad);
    CHECK(std::holds_alternative<std::monostate>(parse_authorization(bad)));
  }
  CHECK(basic_challenge("Dro\"mos") == "Basic realm=\"Dro\\\"mos\", charset=\"UTF-8\"");
}

TEST_CASE("JSON is bounded in size, depth and count", "[unit][http]") {
  JsonLimits limits;
  limits.depth = 3;
  CHECK(parse_json("[[[1]]]", limits));
  CHECK_FALSE(parse_json("[[[[1]]]]", limits));
  CHECK_FALSE(parse_json("{\"a\":{\"a\":{\"a\":{}}}}", limits));
  limits = {};
  limits.values = 5;
  CHECK(parse_json("[1,2,3,4]", limits));
  CHECK_FALSE(parse_json("[1,2,3,4,5]", limits));
  CHECK(parse_json("{\"a\":1,\"b\":2}", limits));
  CHECK_FALSE(parse_json("{\"a\":1,\"b\":2,\"c\":3}", limits));
  limits = {};
  limits.bytes = 4;
  CHECK(parse_json("1234", limits));
  CHECK_FALSE(parse_json("12345", limits));
  CHECK_FALSE(parse_json(std::string(1'000'000, '[')));
  CHECK_FALSE(parse_json(std::string(100'000, '[') + std::string(100'000, ']')));
}

TEST_CASE("hostile JSON is refused with its place", "[unit][http]") {
  for (const std::string& bad :
       {std::string(), std::string("nul"), std::string("{\"a\":1,\"a\":2}"), std::string("[1,]"),
        std::string("[1 2]"), std::string("{a:1}"), std::string("\"\xff\""), std::string("\"\xed\xa0\x80\""),
        std::string("\"\\ud800\""), std::string("\"a\nb\""), std::string("01"), std::string("1 1"),
        std::string("NaN"), std::string("1e999"), std::string("[1] x"), std::string("\"\\x\""),
        std::string("// c\n1"), std::string("\0", 1)}) {
    INFO(bad);
    const auto parsed = parse_json(bad);
    CHECK_FALSE(parsed);
    if (!parsed) {
      CHECK(parsed.error().offset <= bad.size());
      CHECK_FALSE(parsed.error().text.empty());
    }
  }
  const auto parsed = parse_json("{\n  \"a\": nope\n}");
  REQUIRE_FALSE(parsed);
  CHECK(parsed.error().line == 2);
  CHECK(parsed.error().column >= 8);
  CHECK(parsed.error().column <= 10);
  const Response response = problem(parsed.error());
  CHECK(response.status == 400);
  CHECK(response.headers.value("content-type") == "application/problem+json");
  CHECK(nlohmann::json::parse(response.body).at("status") == 400);
}

TEST_CASE("JSON values survive the builder", "[unit][http]") {
  const char* text = R"({"a":[1,-2,3.5,"x\u00e4",true,null,{"b":[]},{}],"c":{"d":18446744073709551615}})";
  const auto parsed = parse_json(text);
  REQUIRE(parsed);
  CHECK(*parsed == nlohmann::json::parse(text));
  CHECK(json_response(200, *parsed).headers.value("content-type") == "application/json");
  CHECK(json_response(200, nlohmann::json("\xff")).body == "\"\xef\xbf\xbd\"");
}

TEST_CASE("errors become problem details without their inner text", "[unit][http]") {
  CHECK(problem(Error(Errc::not_found, "no such domain")).status == 404);
  CHECK(problem(Error(Errc::not_found, "no such domain")).body.find("no such domain") != std::string::npos);
  const Response internal = problem(Error(Errc::internal, "SELECT secret"));
  CHECK(internal.status == 500);
  CHECK(internal.body.find("SELECT") == std::string::npos);
  CHECK(problem(unavailable_error("database")).headers.has("retry-after"));
  CHECK(problem(timeout_error("x")).status == 504);
  CHECK(nlohmann::json::parse(json_quote("a\"\\\n\t\x01\xff")) == "a\"\\\n\t\x01\xef\xbf\xbd");
}

TEST_CASE("preconditions compare tags strongly for If-Match and weakly for If-None-Match", "[unit][http]") {
  const auto check = [](const char* name, const char* value, Method method, const char* etag) {
    Headers headers;
    headers.add(name, value);
    return check_preconditions(headers, method, etag);
  };
  CHECK(check("If-Match", "\"a\"", Method::put, "\"a\"") == 0);
  CHECK(check("If-Match", "\"x,y\", \"a\"", Method::put, "\"a\"") == 0);
  CHECK(check("If-Match", "W/\"a\"", Method::put, "\"a\"") == 412);
  CHECK(check("If-Match", "\"b\"", Method::put, "\"a\"") == 412);
  CHECK(check("If-Match", "*", Method::put, "\"a\"") == 0);
  CHECK(check("If-Match", "*", Method::put, "") == 412);
  CHECK(check("If-None-Match", "W/\"a\"", Method::get, "\"a\"") == 304);
  CHECK(check("If-None-Match", "\"b\", \"a\"", Method::get, "\"a\"") == 304);
  CHECK(check("If-None-Match", "\"b\"", Method::get, "\"a\"") == 0);
  CHECK(check("If-None-Match", "*", Method::put, "\"a\"") == 412);
  CHECK(check("If-None-Match", "*", Method::put, "") == 0);
  CHECK(check("If-None-Match", "\"a", Method::get, "\"a\"") == 0);
  CHECK(make_etag("a\"b c") == "\"abc\"");
}

TEST_CASE("A range of bytes is read, and what is no single range asks for the whole", "[unit][http]") {
  using Kind = RangeAsked::Kind;
  const auto ask = [](const char* text, uint64_t size = 100, const char* if_range = nullptr) {
    Headers headers;
    headers.add("Range", text);
    if (if_range != nullptr) headers.add("If-Range", if_range);
    const RangeAsked got = asked_range(headers, "\"tag\"", size);
    return got.kind == Kind::whole           ? std::string("whole")
           : got.kind == Kind::unsatisfiable ? std::string("none")
                                             : std::to_string(got.first) + "-" + std::to_string(got.last);
  };
  CHECK(ask("bytes=0-0") == "0-0");
  CHECK(ask("Bytes= 5-9 ") == "5-9");
  CHECK(ask("bytes=90-") == "90-99");
  CHECK(ask("bytes=90-18446744073709551615") == "90-99");
  CHECK(ask("bytes=-1") == "99-99");
  CHECK(ask("bytes=-1000") == "0-99");
  CHECK(ask("bytes=100-") == "none");
  CHECK(ask("bytes=-0") == "none");
  CHECK(ask("bytes=0-", 0) == "none");
  CHECK(ask("bytes=-5", 0) == "none");
  for (const char* odd : {"bytes=9-5", "bytes=", "bytes=-", "bytes=1-2,4-5", "bytes=a-b", "bytes=1-b",
                          "bytes=--5", "lines=1-2", "bytes 1-2", "bytes=18446744073709551616-", ""})
    CHECK(ask(odd) == "whole");
  CHECK(ask("bytes=1-2", 100, "\"tag\"") == "1-2");
  CHECK(ask("bytes=1-2", 100, "\"other\"") == "whole");
  CHECK(ask("bytes=1-2", 100, "W/\"tag\"") == "whole");
  CHECK(ask("bytes=1-2", 100, "Sun, 22 Nov 2026 03:04:05 GMT") == "whole");
  CHECK(asked_range(Headers(), "\"tag\"", 100).kind == Kind::whole);
}
