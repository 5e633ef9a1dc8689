#include <catch2/catch.hpp>

#include "common/mime/thread_keys.h"

using namespace dromos;

namespace {

std::vector<int64_t> keys(const std::string& header) {
  return mime::thread_keys(mime::build_facts(header + "\r\n\r\nx\r\n"));
}

}  // namespace

TEST_CASE("a reply shares a key with what it answers, if the subject stays", "[unit][mime]") {
  const auto first = keys("Message-ID: <1@x>\r\nSubject: Plans");
  REQUIRE(first.size() == 1);
  const auto reply =
      keys("Message-ID: <2@x>\r\nIn-Reply-To: <1@x>\r\nReferences: <1@x>\r\nSubject: RE: plans");
  REQUIRE(reply.size() == 2);
  REQUIRE(reply.front() == first.front());
  const auto other = keys("Message-ID: <3@x>\r\nIn-Reply-To: <1@x>\r\nSubject: Other");
  REQUIRE(other.front() != first.front());
}

TEST_CASE("keys begin with the nearest parent, end with the own id and are bounded", "[unit][mime]") {
  std::string references = "References:";
  for (int i = 0; i < 100; ++i) references += " <" + std::to_string(i) + "@x>";
  const auto all = keys("Message-ID: <me@x>\r\nSubject: s\r\n" + references);
  REQUIRE(all.size() == mime::kMaxThreadKeys);
  REQUIRE(all.front() == keys("Message-ID: <99@x>\r\nSubject: s").front());
  REQUIRE(all.back() == keys("Message-ID: <me@x>\r\nSubject: s").front());
  REQUIRE(keys("Subject: s").empty());
}
