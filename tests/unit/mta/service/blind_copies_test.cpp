#include "mta/service/blind_copies.h"

#include <catch2/catch.hpp>

using namespace dromos;
using mta::blind_copies;
using mta::ByteBudget;
using mta::Spool;

namespace {

/// What is left of it, in memory and in a file, which must be the same.
std::string without(const std::string& content) {
  std::string first;
  for (const uint64_t limit : {uint64_t{1}, uint64_t{1} << 20}) {
    ByteBudget budget(1 << 20);
    Spool spool(budget, limit, "/tmp");
    spool.append(content);
    REQUIRE(spool.seal());
    spool.remove(blind_copies(spool.content()));
    const std::string left(spool.content());
    CHECK(spool.size() == left.size());
    CHECK(spool.with_head("Head: 1\r\n") == "Head: 1\r\n" + left);
    CHECK(spool.content() == left);
    if (limit == 1)
      first = left;
    else
      CHECK(left == first);
  }
  return first;
}

}  // namespace

TEST_CASE("Bcc and Resent-Bcc go with all their lines, and nothing else does", "[unit][mta]") {
  CHECK(without("From: a@x.test\r\nBcc: b@x.test,\r\n c@x.test,\r\n\td@x.test\r\nSubject: Bcc: "
                "kept\r\n\r\nBcc: body\r\n") == "From: a@x.test\r\nSubject: Bcc: kept\r\n\r\nBcc: body\r\n");
  CHECK(
      without(
          "bcc: first\r\nA: 1\r\nBCC : second\r\nB: 2\r\n b\r\nresent-bcc:\r\nC: 3\r\nBcc: last\r\n\r\nx") ==
      "A: 1\r\nB: 2\r\n b\r\nC: 3\r\n\r\nx");
  CHECK(without("Bcc: a\r\n\r\nx") == "\r\nx");
  CHECK(without("A: 1\r\nBcc: no body at all") == "A: 1\r\n");
  CHECK(without("Bcc: nothing else\r\n") == "");
}

TEST_CASE("a message without blind copies stays as it is", "[unit][mta]") {
  for (const std::string content :
       {"", "\r\nBcc: body\r\n", "From: a@x.test\r\nX-Bcc: a\r\nBccc: b\r\n\r\nBcc: body\r\n",
        "To: x@y.test\r\n Bcc: folded@x.test\r\n\r\nbody", "no header at all\r\nBcc: body\r\n",
        "A: 1\r\nContent-Type: message/rfc822\r\n\r\nBcc: of what is forwarded\r\n\r\nx\r\n"})
    CHECK(without(content) == content);
}

TEST_CASE("a line that is no field ends neither the header nor what is looked for", "[unit][mta]") {
  CHECK(without("A: 1\r\nno field\r\nBcc: b@x.test\r\nC: 3\r\n\r\nbody") ==
        "A: 1\r\nno field\r\nC: 3\r\n\r\nbody");
}
