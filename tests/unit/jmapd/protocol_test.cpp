#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "jmapd/protocol/patch.h"
#include "jmapd/protocol/pointer.h"
#include "jmapd/protocol/request.h"
#include "jmapd/protocol/values.h"

using namespace dromos::jmapd;
using nlohmann::json;

namespace {

std::string at(const json& root, const char* pointer, size_t budget = 1 << 20) {
  const auto found = evaluate_pointer(root, pointer, budget);
  return found ? found->dump() : "nothing";
}

std::string patched(const char* record, const char* patch) {
  const auto out = apply_patch(json::parse(record), json::parse(patch));
  return out ? out->dump() : out.error().type;
}

}  // namespace

TEST_CASE("A pointer walks objects and arrays and maps stars", "[unit][jmapd]") {
  const json root = json::parse(R"({"a":[{"b":1,"c":[1,2]},{"b":2,"c":[3]}],"x/y":{"~":5},"0":7})");
  CHECK(at(root, "") == root.dump());
  CHECK(at(root, "/a/1/b") == "2");
  CHECK(at(root, "/a/*/b") == "[1,2]");
  CHECK(at(root, "/a/*/c") == "[1,2,3]");
  CHECK(at(root, "/x~1y/~0") == "5");
  CHECK(at(root, "/0") == "7");
}

TEST_CASE("A pointer that leads nowhere gives nothing", "[unit][jmapd]") {
  const json root = json::parse(R"({"a":[{"b":1},{}],"s":"text"})");
  for (const char* bad :
       {"a", "/none", "/a/2", "/a/01", "/a/-1", "/a/-", "/a/*/b", "/s/0", "/a~2", "/a~", "/*"})
    CHECK(at(root, bad) == "nothing");
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += "/a";
  CHECK(at(root, deep.c_str()) == "nothing");
}

TEST_CASE("A pointer copies no more than its budget", "[unit][jmapd]") {
  const json root = {{"a", std::string(1000, 'x')}};
  CHECK(at(root, "/a", 2000) != "nothing");
  CHECK(at(root, "/a", 500) == "nothing");
}

TEST_CASE("A patch sets, replaces and removes", "[unit][jmapd]") {
  CHECK(patched(R"({"k":{"a":true}})", R"({"k/b":true})") == R"({"k":{"a":true,"b":true}})");
  CHECK(patched(R"({"k":{"a":true}})", R"({"k/a":null})") == R"({"k":{}})");
  CHECK(patched(R"({"k":{"a":true}})", R"({"k/none":null})") == R"({"k":{"a":true}})");
  CHECK(patched(R"({"k":1})", R"({"k":null,"n":2})") == R"({"k":null,"n":2})");
  CHECK(patched(R"({"k":{"a/b":1}})", R"({"k/a~1b":2})") == R"({"k":{"a/b":2}})");
}

TEST_CASE("A bad patch changes nothing", "[unit][jmapd]") {
  CHECK(patched(R"({"k":{}})", R"({"k":1,"k/a":2})") == "invalidPatch");
  CHECK(patched(R"({"k":{"a":{}}})", R"({"k/a":1,"k/a/b/c":2})") == "invalidPatch");
  CHECK(patched(R"({"k":[1]})", R"({"k/0":2})") == "invalidPatch");
  CHECK(patched(R"({})", R"({"none/x":1})") == "invalidPatch");
  CHECK(patched(R"({"k":{}})", R"({"k/~x":1})") == "invalidPatch");
  CHECK(patched(R"({})", R"([])") == "invalidPatch");
}

TEST_CASE("References are replaced by what earlier calls answered", "[unit][jmapd]") {
  const json answers = json::parse(R"([["Foo/get",{"ids":["x"]},"0"],["error",{"type":"t"},"1"]])");
  size_t budget = kMaxReferredBytes;
  json arguments = json::parse(R"({"#v":{"resultOf":"0","name":"Foo/get","path":"/ids/0"},"w":1})");
  REQUIRE(resolve_references(arguments, answers, budget));
  CHECK(arguments == json::parse(R"({"v":"x","w":1})"));
  for (const char* bad :
       {R"({"resultOf":"1","name":"Foo/get","path":""})", R"({"resultOf":"2","name":"Foo/get","path":""})",
        R"({"resultOf":"0","name":"Foo/get"})", R"(7)", R"({"resultOf":0,"name":"Foo/get","path":""})"}) {
    json one = {{"#v", json::parse(bad)}};
    const auto outcome = resolve_references(one, answers, budget);
    REQUIRE_FALSE(outcome);
    CHECK(outcome.error().type == "invalidResultReference");
  }
}

TEST_CASE("Requests are checked as a whole", "[unit][jmapd]") {
  const auto parse = [](const char* text) { return parse_request(json::parse(text), 2); };
  const auto good = parse(R"({"using":["u"],"methodCalls":[["a",{"x":1},"c"]],"createdIds":{"k":"M1"}})");
  REQUIRE(good);
  CHECK(good->calls.size() == 1);
  CHECK(good->created.at("k") == "M1");
  CHECK(parse(R"({"using":[],"methodCalls":[["a",{},"0"],["a",{},"1"],["a",{},"2"]]})").error().limit ==
        "maxCallsInRequest");
  for (const char* bad :
       {"7", "{}", R"({"using":[1],"methodCalls":[]})", R"({"using":[],"methodCalls":[["a",{}]]})",
        R"({"using":[],"methodCalls":[],"createdIds":{"a":1}})"})
    CHECK(parse(bad).error().type == "notRequest");
}

TEST_CASE("States, dates and blob ids read back as written, and nothing else is read", "[unit][jmapd]") {
  CHECK(parse_state(to_text(State{3, 4711})) == State{3, 4711});
  for (const char* bad : {"", "-", "1", "1-", "-1", "a-1", "1-2-3", "1--2"}) CHECK_FALSE(parse_state(bad));
  const BlobId id{std::string(32, 'h'), {3, 0, 12}};
  CHECK(parse_blob_id(to_text(id)) == id);
  CHECK_FALSE(parse_blob_id(to_text(id) + "-"));
  CHECK_FALSE(parse_blob_id(to_text(id) + "-01"));
  CHECK_FALSE(parse_blob_id("B"));
  CHECK_FALSE(parse_blob_id(std::string(300, 'B')));
  CHECK(parse_utc_date("2026-11-22T03:04:05Z") == int64_t{1795316645} * 1'000'000);
  CHECK(parse_utc_date("2026-11-22T03:04:05.25Z") == int64_t{1795316645} * 1'000'000 + 250'000);
  CHECK(utc_date(int64_t{1795316645} * 1'000'000) == "2026-11-22T03:04:05Z");
  for (const char* bad :
       {"", "2026-11-22", "2026-13-22T03:04:05Z", "2026-02-30T03:04:05Z", "2026-11-22T24:04:05Z",
        "2026-11-22T03:04:05", "2026-11-22T03:04:05+01:00", "2026-11-22t03:04:05Z", "2026-11-22T03:04:05.Z"})
    CHECK_FALSE(parse_utc_date(bad));
  REQUIRE(parse_date_text("2026-11-22T03:04:05-01:30"));
  CHECK(parse_date_text("2026-11-22T03:04:05-01:30")->offset_minutes == -90);
}

TEST_CASE("Keywords are what IMAP can take", "[unit][jmapd]") {
  CHECK(is_keyword("$seen"));
  CHECK_FALSE(is_keyword(""));
  CHECK_FALSE(is_keyword("a b"));
  CHECK_FALSE(is_keyword("a\\b"));
  CHECK_FALSE(is_keyword("\xc3\xbc"));
  CHECK_FALSE(is_keyword(std::string(256, 'a')));
}
