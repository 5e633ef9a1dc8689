#include <catch2/catch.hpp>

#include "common/base/clock.h"
#include "mta/service/head.h"

using namespace dromos;
using mta::begins_with_header;

namespace {

mta::Envelope envelope(mta::Kind kind) {
  mta::Envelope out;
  out.kind = kind;
  out.peer.ip = "192.0.2.1";
  out.peer.helo = "client.test";
  out.peer.esmtp = true;
  out.mail.from = smtp::parse_mailbox("a@b.test").value();
  out.recipients.push_back({});
  out.recipients[0].rcpt.to = smtp::parse_mailbox("bob@example.test").value();
  return out;
}

}  // namespace

TEST_CASE("content that begins with no header field is told apart", "[unit][mta]") {
  for (const char* text : {"Subject: x\r\n", "X-1:\r\n", "Subject : x\r\n", "\r\nbody", ""})
    REQUIRE(begins_with_header(text));
  for (const char* text :
       {"hello world\r\n", "hello", " folded: x\r\n", ":\r\n", "\xc3\xa4: x\r\n", "From me\r\n"})
    REQUIRE_FALSE(begins_with_header(text));
}

TEST_CASE("a submission gets the Date and Message-ID it lacks, other mail does not", "[unit][mta]") {
  const mta::Verdict none;
  const int64_t now = 1'700'000'000'000'000;
  const auto added =
      mta::make_head(envelope(mta::Kind::submission), none, "mx.test", "Subject: x\r\n\r\n", now);
  REQUIRE(added.fields.find("\r\nDate: Tue, 14 Nov 2023 22:13:20 +0000\r\n") != std::string::npos);
  REQUIRE(added.fields.find("\r\nMessage-ID: <X") != std::string::npos);
  const auto kept = mta::make_head(envelope(mta::Kind::submission), none, "mx.test",
                                   "date: x\r\nMESSAGE-ID: <1@x>\r\n\r\nDate: body\r\n", now);
  REQUIRE(kept.fields.find("Message-ID") == std::string::npos);
  REQUIRE(kept.fields.find("Date: ") == std::string::npos);
  const auto mx = mta::make_head(envelope(mta::Kind::mx), none, "mx.test", "Subject: x\r\n\r\n", now);
  REQUIRE(mx.fields.find("Message-ID") == std::string::npos);
  REQUIRE(mx.return_path == "Return-Path: <a@b.test>\r\n");
}

TEST_CASE("the verdict stands in the header", "[unit][mta]") {
  mta::Verdict verdict;
  verdict.scanned = verdict.spam = true;
  verdict.score = 4.25;
  verdict.probability = 0.9859;
  verdict.name = "spam";
  verdict.facts = "TEXT_MODEL,NO_DATE";
  const auto head = mta::make_head(envelope(mta::Kind::mx), verdict, "mx.test", "\r\n", 0);
  REQUIRE(head.fields.find("X-Spam-Status: Yes, score=4.25 probability=0.9859 verdict=spam\r\n"
                           " facts=TEXT_MODEL,NO_DATE\r\n") != std::string::npos);
  const auto unscanned = mta::make_head(envelope(mta::Kind::mx), {}, "mx.test", "\r\n", 0);
  REQUIRE(unscanned.fields.find("X-Spam-Status: unscanned\r\n") != std::string::npos);
}

TEST_CASE("the header's size goes up to and with the empty line", "[unit][mta]") {
  REQUIRE(mta::header_size_of("A: b\r\n\r\nbody\r\n\r\n") == 8);
  REQUIRE(mta::header_size_of("\r\nbody\r\n\r\n") == 2);
  REQUIRE(mta::header_size_of("A: b\r\n") == 6);
}
