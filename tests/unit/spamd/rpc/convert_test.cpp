#include "spamd/rpc/convert.h"

#include <catch2/catch.hpp>

#include "dromos/spam/v1/spam.pb.h"

using namespace dromos;
using namespace dromos::spamd;

TEST_CASE("A message may come raw or as header and text", "[unit][spamd]") {
  spam::v1::Message message;
  REQUIRE(take_message(message).error().is(Errc::invalid_argument));
  message.set_header("Subject: x\r\n");
  message.set_text("body");
  REQUIRE(take_message(message).value() == "Subject: x\r\n\nbody");
  message.set_header("Subject: x\r\n\r\n");
  message.set_text("body");
  REQUIRE(take_message(message).value() == "Subject: x\r\n\r\nbody");
  message.set_raw("raw");
  REQUIRE(take_message(message).value() == "raw");
}

TEST_CASE("A lesson needs an id of 16 bytes and a label", "[unit][spamd]") {
  spam::v1::LearnRequest request;
  REQUIRE_FALSE(take_teaching(request));
  request.set_learn_id(std::string(16, 'x'));
  REQUIRE_FALSE(take_teaching(request));
  request.set_label(spam::v1::LABEL_SPAM);
  REQUIRE(take_teaching(request)->label == Label::spam);
  request.set_account_id(-1);
  REQUIRE_FALSE(take_teaching(request));
  request.set_account_id(7);
  request.set_trace_id("short");
  REQUIRE_FALSE(take_teaching(request));
  request.set_trace_id("");
  request.set_label(spam::v1::LABEL_UNSPECIFIED);
  request.set_forget(true);
  REQUIRE(take_teaching(request)->forget);
}

TEST_CASE("Facts with broken bytes become clean text", "[unit][spamd]") {
  ScanResult result;
  result.score.facts.push_back({"X", 1, "d", "a\xff"});
  spam::v1::ScanResponse response;
  write_result(result, response);
  REQUIRE(response.facts(0).detail() == "a\xef\xbf\xbd");
  REQUIRE(response.IsInitialized());
}
