// SmtpClient: the envelope, what each stage's reply means, connections that end, LMTP.
#include "tests/unit/mta/outbound/smtp_client_script.h"

namespace dromos::mta {
namespace {

using namespace smtp_client_script;

TEST_CASE_METHOD(Fixture, "DSN wishes, 8BITMIME and UTF-8 are passed on", "[unit][mta]") {
  message.ret = "hdrs";
  message.envid = "id+1";
  message.eight_bit = true;
  message.recipients[0].address = *smtp::parse_mailbox("ü@a.test");
  message.recipients[0].notify.unspecified = false;
  message.recipients[0].notify.success = message.recipients[0].notify.delay = true;
  message.recipients[0].orcpt_type = "rfc822";
  message.recipients[0].orcpt = "x=y@b.test";
  run();
  CHECK(talk.lines.at(1) == "MAIL FROM:<me@us.test> SIZE=100 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=id+2B1");
  CHECK(talk.lines.at(2) == "RCPT TO:<ü@a.test> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;x+3Dy@b.test");
}

TEST_CASE_METHOD(Fixture, "A server of 1990 gets HELO and nothing new", "[unit][mta]") {
  script.replies["EHLO"] = "500 What?\r\n";
  message.sender = std::nullopt;
  message.ret = "full";
  run();
  expect_all(Fate::relayed, 250);  // it will not report: we say that it was handed on
  CHECK(talk.lines.at(1) == "HELO us.test");
  CHECK(talk.lines.at(2) == "MAIL FROM:<>");
}

TEST_CASE_METHOD(Fixture, "What the server cannot take is permanent and not tried", "[unit][mta]") {
  script.replies["EHLO"] = "250-mx.a.test\r\n250 SIZE 1000\r\n";
  SECTION("UTF-8") {
    message.smtputf8 = true;
    run();
    CHECK(verdicts.at(0).status == "5.6.9");
  }
  SECTION("a UTF-8 address") {
    message.sender = *smtp::parse_mailbox("ü@us.test");
    run();
    CHECK(verdicts.at(0).status == "5.6.7");
  }
  SECTION("8-bit content") {
    message.eight_bit = true;
    run();
    CHECK(verdicts.at(0).status == "5.6.3");
  }
  SECTION("binary content") {
    message.binary = true;
    run();
    CHECK(verdicts.at(0).status == "5.6.3");
  }
  SECTION("size") {
    message.size = 1001;
    run();
    CHECK(verdicts.at(0).status == "5.3.4");
  }
  expect_all(Fate::failed, 550);
  CHECK(count("MAIL") == 0);
}

TEST_CASE_METHOD(Fixture, "Each recipient has a verdict of its own", "[unit][mta]") {
  const bool pipelining = GENERATE(true, false);
  if (!pipelining) script.replies["EHLO"] = "250-mx.a.test\r\n250 DSN\r\n";
  add("b@a.test");
  add("c@a.test");
  script.by_line["RCPT TO:<b@a.test>"] = "550 5.1.1 No such user\r\n";
  script.by_line["RCPT TO:<c@a.test>"] = "452 4.5.3 Too many\r\n";
  run();
  CHECK(verdicts.at(0).fate == Fate::delivered);
  CHECK(verdicts.at(1).fate == Fate::failed);
  CHECK(verdicts.at(1).status == "5.1.1");
  CHECK(verdicts.at(1).diagnostic == "550 5.1.1 No such user");
  CHECK(verdicts.at(2).fate == Fate::again);
  CHECK(talk.messages == 1);
}

TEST_CASE_METHOD(Fixture, "Nobody accepted means no content", "[unit][mta]") {
  const bool pipelining = GENERATE(true, false);
  const std::string data = GENERATE("354 Go\r\n", "554 No valid recipients\r\n");
  if (!pipelining) script.replies["EHLO"] = "250 mx.a.test\r\n";
  script.replies["RCPT"] = "550 5.1.1 No\r\n";
  script.replies["DATA"] = data;
  run();
  expect_all(Fate::failed, 550);
  CHECK(talk.content.empty());
  CHECK(usable);
}

TEST_CASE_METHOD(Fixture, "A reply at each stage means what the stage says", "[unit][mta]") {
  const bool pipelining = GENERATE(true, false);
  if (!pipelining) script.replies["EHLO"] = "250 mx.a.test\r\n";
  const std::string verb = GENERATE("MAIL", "RCPT", "DATA", ".");
  const bool permanent = GENERATE(true, false);
  script.replies[verb] = permanent ? "554 5.7.1 Refused\r\n" : "451 4.7.1 Later\r\n";
  add("b@a.test");
  run();
  CHECK_FALSE(failure);
  expect_all(permanent ? Fate::failed : Fate::deferred, permanent ? 554 : 451);
  CHECK(verdicts.at(0).status == (permanent ? "5.7.1" : "4.7.1"));
  CHECK(verdicts.at(0).other_host == (!permanent && verb != "."));
}

TEST_CASE_METHOD(Fixture, "A refusal to talk is never permanent", "[unit][mta]") {
  SECTION("greeting") {
    script.greeting = GENERATE("554 No service\r\n", "421 Busy\r\n", "250 What\r\n");
  }
  SECTION("EHLO") {
    script.replies["EHLO"] = "421 Busy\r\n";
  }
  SECTION("HELO") {
    script.replies["EHLO"] = "502 No\r\n";
    script.replies["HELO"] = "550 Go away\r\n";
  }
  run();
  REQUIRE(failure);
  CHECK(failure->verdict.fate == Fate::deferred);
  CHECK(failure->verdict.other_host);
}

TEST_CASE_METHOD(Fixture, "A connection lost at any stage defers and is not used again", "[unit][mta]") {
  const bool pipelining = GENERATE(true, false);
  if (!pipelining) script.replies["EHLO"] = "250 mx.a.test\r\n";
  const std::string verb = GENERATE("greeting", "EHLO", "MAIL", "RCPT", "DATA", ".");
  if (verb == "greeting")
    script.greeting.clear();
  else
    script.replies[verb].clear();
  add("b@a.test");
  run();
  if (verb == "greeting" || verb == "EHLO") {
    REQUIRE(failure);
    CHECK(failure->verdict.fate == Fate::deferred);
    return;
  }
  for (const SendVerdict& verdict : verdicts) {
    CHECK(verdict.fate == Fate::deferred);
    CHECK(verdict.status == "4.4.2");
    CHECK(verdict.other_host == (verb != "."));  // after the dot it may have been taken
  }
  CHECK_FALSE(usable);
}

TEST_CASE_METHOD(Fixture, "421 at any stage ends the connection", "[unit][mta]") {
  const std::string verb = GENERATE("MAIL", "RCPT", "DATA", ".");
  script.replies[verb] = "421 4.3.2 Shutting down\r\n";
  add("b@a.test");
  run();
  expect_all(Fate::deferred, 421);
  CHECK_FALSE(usable);
}

TEST_CASE_METHOD(Fixture, "Endless and broken replies end the connection", "[unit][mta]") {
  SECTION("endless EHLO") {
    script.endless = "EHLO";
    run();
    REQUIRE(failure);
    CHECK(failure->verdict.fate == Fate::deferred);
  }
  SECTION("endless RCPT") {
    script.endless = "RCPT";
    run();
    CHECK(verdicts.at(0).fate == Fate::deferred);
    CHECK_FALSE(usable);
  }
  SECTION("a line without end") {
    script.replies["MAIL"] = "250 " + std::string(100'000, 'x');
    run();
    CHECK(verdicts.at(0).fate == Fate::deferred);
    CHECK_FALSE(usable);
  }
  SECTION("no reply at all") {
    script.replies["MAIL"] = "hello\r\n";
    run();
    CHECK(verdicts.at(0).fate == Fate::deferred);
    CHECK_FALSE(usable);
  }
}

TEST_CASE_METHOD(Fixture, "A silent server is left when the time is over", "[unit][mta]") {
  options.timeouts.greeting = milliseconds(30);
  script.greeting = "220-wait\r\n";
  run();
  REQUIRE(failure);
  CHECK(failure->verdict.status == "4.4.1");
}

TEST_CASE("Replies become one clean line", "[unit][mta]") {
  CHECK(one_line("a\r\nb\tc", 100) == "a  b c");
  CHECK(one_line("ab\xc3\xbc", 3) == "ab");
  smtp::Reply reply(550, std::string(2000, 'x'));
  CHECK(verdict_of(Stage::rcpt, reply).diagnostic.size() == kMaxDiagnostic);
  CHECK(verdict_of(Stage::rcpt, reply).status == "5.0.0");
  smtp::Reply many(552, "Too many recipients");
  CHECK(verdict_of(Stage::rcpt, many).fate == Fate::deferred);
  CHECK(verdict_of(Stage::rcpt, many, true).fate == Fate::again);
  CHECK(verdict_of(Stage::final_dot, many).fate == Fate::failed);
}

TEST_CASE_METHOD(Fixture, "Only the internationalized recipient is refused", "[unit][mta]") {
  script.replies["EHLO"] = "250-mx.a.test\r\n250 PIPELINING\r\n";
  add("ü@a.test");
  add("c@a.test");
  run();
  CHECK(verdicts.at(0).fate == Fate::relayed);
  CHECK(verdicts.at(1).fate == Fate::failed);
  CHECK(verdicts.at(1).status == "5.6.7");
  CHECK(verdicts.at(2).fate == Fate::relayed);
  CHECK(count("RCPT") == 2);
}

TEST_CASE_METHOD(Fixture, "LMTP answers for each recipient that it took", "[unit][mta]") {
  const bool pipelining = GENERATE(true, false);
  options.lmtp = true;
  script.replies["LHLO"] =
      pipelining ? "250-store\r\n250-PIPELINING\r\n250-CHUNKING\r\n250 DSN\r\n" : "250-store\r\n250 DSN\r\n";
  script.replies["EHLO"] = "500 This is LMTP\r\n";
  script.by_line["RCPT TO:<b@a.test>"] = "550 5.1.1 No such user\r\n";
  script.replies["."] = "250 2.0.0 Stored\r\n452 4.2.2 Full\r\n";
  add("b@a.test");
  add("c@a.test");
  run();
  CHECK(verdicts.at(0).fate == Fate::delivered);
  CHECK(verdicts.at(1).status == "5.1.1");
  CHECK(verdicts.at(2).fate == Fate::deferred);
  CHECK(verdicts.at(2).status == "4.2.2");
  CHECK(talk.lines.at(0) == "LHLO us.test");
  CHECK(count("BDAT") == 0);
  CHECK(usable);
}

TEST_CASE_METHOD(Fixture, "An LMTP server that ends between replies has said what it has said",
                 "[unit][mta]") {
  options.lmtp = true;
  script.replies["LHLO"] = "250-store\r\n250 DSN\r\n";
  script.replies["."] = "250 2.0.0 Stored\r\n421 4.3.2 Going\r\n";
  add("b@a.test");
  add("c@a.test");
  run();
  CHECK(verdicts.at(0).fate == Fate::delivered);
  CHECK(verdicts.at(1).fate == Fate::deferred);
  CHECK(verdicts.at(2).fate == Fate::deferred);
  CHECK_FALSE(usable);
}

}  // namespace
}  // namespace dromos::mta
