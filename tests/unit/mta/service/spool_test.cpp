#include <catch2/catch.hpp>

#include "mta/service/spool.h"

using namespace dromos;
using mta::ByteBudget;
using mta::Spool;

namespace {

std::string numbered(size_t lines) {
  std::string out;
  for (size_t i = 0; i < lines; ++i) out += "line " + std::to_string(i) + "\r\n";
  return out;
}

}  // namespace

TEST_CASE("a spool gives back what it got, from memory and from a file", "[unit][mta]") {
  const std::string content = numbered(5000);
  for (const uint64_t limit : {uint64_t{10}, uint64_t{1} << 20}) {
    ByteBudget budget(1 << 20);
    {
      Spool spool(budget, limit, "/tmp");
      for (size_t at = 0; at < content.size(); at += 777)
        spool.append(std::string_view(content).substr(at, 777));
      REQUIRE(spool.size() == content.size());
      REQUIRE(spool.in_file() == (limit == 10));
      REQUIRE(spool.seal());
      REQUIRE(spool.content() == content);
      REQUIRE(spool.with_head("Head: 1\r\n") == "Head: 1\r\n" + content);
      REQUIRE(spool.content() == content);
      REQUIRE(budget.used() >= content.size());
    }
    REQUIRE(budget.used() == 0);
  }
}

TEST_CASE("an empty spool is an empty message", "[unit][mta]") {
  ByteBudget budget(1);
  Spool spool(budget, 10, "/tmp");
  REQUIRE(spool.seal());
  REQUIRE(spool.content().empty());
  REQUIRE(spool.with_head("Head: 1\r\n") == "Head: 1\r\n");
  REQUIRE(budget.used() == 0);
}

TEST_CASE("a head longer than its room in a file is cut at a line", "[unit][mta]") {
  ByteBudget budget(1 << 20);
  Spool spool(budget, 1, "/tmp");
  spool.append("Subject: x\r\n\r\n");
  REQUIRE(spool.seal());
  const std::string_view whole = spool.with_head(numbered(3000));
  REQUIRE(whole.size() <= Spool::kHeadRoom + spool.size());
  REQUIRE(whole.ends_with("\r\nSubject: x\r\n\r\n"));
  REQUIRE(whole.starts_with("line 0\r\n"));
}

TEST_CASE("past the budget content is dropped and the message is refused for now", "[unit][mta]") {
  ByteBudget budget(2 * Spool::kBudgetStep);
  Spool small(budget, 1 << 20, "/tmp");
  small.append("x");
  Spool large(budget, 1 << 20, "/tmp");
  large.append(std::string(Spool::kBudgetStep, 'x'));
  large.append("y");
  large.append("z");
  const auto sealed = large.seal();
  REQUIRE_FALSE(sealed);
  REQUIRE(sealed.error().is(Errc::limit_exceeded));
  REQUIRE(sealed.error().may_retry());
  REQUIRE(small.seal());
}

TEST_CASE("a folder that is not there is a temporary failure", "[unit][mta]") {
  ByteBudget budget(1 << 20);
  Spool spool(budget, 1, "/nowhere/at/all");
  spool.append("too long for memory");
  spool.append("more");
  const auto sealed = spool.seal();
  REQUIRE_FALSE(sealed);
  REQUIRE(sealed.error().may_retry());
}
