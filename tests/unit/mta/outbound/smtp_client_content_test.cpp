// SmtpClient: content by DATA and BDAT, and in seven bits.
#include "tests/unit/mta/outbound/smtp_client_script.h"

namespace dromos::mta {
namespace {

using namespace smtp_client_script;

TEST_CASE_METHOD(Fixture, "A message is sent with dots stuffed and its last line ended", "[unit][mta]") {
  run();
  expect_all(Fate::delivered, 250);
  CHECK(talk.messages == 1);
  CHECK(talk.content == "Subject: x\r\n\r\n..dot\r\n...two\r\nend\r\n");
  CHECK(talk.lines.at(1) == "MAIL FROM:<me@us.test> SIZE=100");
  CHECK(usable);
  CHECK(talk.lines.back() == "QUIT");
}

TEST_CASE_METHOD(Fixture, "Several messages go over one connection", "[unit][mta]") {
  sends = 3;
  run();
  expect_all(Fate::delivered, 250);
  CHECK(talk.messages == 3);
  CHECK(count("EHLO") == 1);
}

TEST_CASE_METHOD(Fixture, "A lease lost before the dot leaves the message incomplete", "[unit][mta]") {
  lease = false;
  run();
  CHECK(talk.messages == 0);
  CHECK(verdicts.at(0).fate == Fate::deferred);
  CHECK_FALSE(verdicts.at(0).other_host);
  CHECK_FALSE(usable);
}

Task<Result<mime::SevenBit>> form_of(std::string text) {
  co_return mime::seven_bit_form(text);
}

TEST_CASE_METHOD(Fixture, "A server without 8BITMIME gets seven bits where that can be", "[unit][mta]") {
  script.replies["EHLO"] = "250-mx.a.test\r\n250 SIZE 1000\r\n";
  message.eight_bit = true;
  message.seven_bit = [this] { return form_of(text); };
  SECTION("declared only") {
    run();
    expect_all(Fate::relayed, 250);
    CHECK(talk.content.starts_with("Subject: x\r\n\r\n..dot"));
  }
  SECTION("converted") {
    text = "Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\xc3\xbc\r\n";
    run();
    expect_all(Fate::relayed, 250);
    CHECK(is_ascii(talk.content));
    CHECK(talk.content.find("\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=C3=BC\r\n") !=
          std::string::npos);
  }
  SECTION("not to be converted") {
    text = "Subject: \xc3\xbc\r\n\r\nx\r\n";
    run();
    expect_all(Fate::failed, 550);
    CHECK(verdicts.at(0).status == "5.6.3");
    CHECK(count("MAIL") == 0);
  }
  for (const std::string& line : talk.lines) CHECK(line.find("BODY=") == std::string::npos);
}

const char* const kChunking =
    "250-mx.a.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-BINARYMIME\r\n250-DSN\r\n250 CHUNKING\r\n";

TEST_CASE_METHOD(Fixture, "A small message goes out with its envelope in one chunk", "[unit][mta]") {
  script.replies["EHLO"] = kChunking;
  script.replies["BDAT"] = "250 2.0.0 Taken\r\n";
  sends = 2;
  run();
  expect_all(Fate::delivered, 250);
  CHECK(talk.messages == 2);
  const std::string once = "Subject: x\r\n\r\n.dot\r\n..two\r\nend\r\n";
  CHECK(talk.content == once + once);
  CHECK(count("DATA") == 0);
  CHECK(count("RSET") == 0);
  CHECK(usable);
}

TEST_CASE_METHOD(Fixture, "A chunk that nobody gets decides nothing", "[unit][mta]") {
  script.replies["EHLO"] = kChunking;
  script.replies["RCPT"] = "550 5.1.1 No\r\n";
  script.replies["BDAT"] = "503 5.5.1 No recipients\r\n";
  run();
  expect_all(Fate::failed, 550);
  CHECK(verdicts.at(0).status == "5.1.1");
  CHECK(count("RSET") == 1);
  CHECK(count("DATA") == 0);
  CHECK(usable);
}

TEST_CASE_METHOD(Fixture, "BDAT that is offered and not known is DATA", "[unit][mta]") {
  script.replies["EHLO"] = kChunking;
  script.replies["BDAT"] = "502 5.5.1 What?\r\n";
  sends = 2;
  run();
  expect_all(Fate::delivered, 250);
  CHECK(count("BDAT") == 1);  // it is not asked again on this connection
  CHECK(count("DATA") == 2);
}

TEST_CASE_METHOD(Fixture, "A refused chunk is the message's fate", "[unit][mta]") {
  script.replies["EHLO"] = kChunking;
  script.replies["BDAT"] = "554 5.7.1 Spam\r\n";
  run();
  expect_all(Fate::failed, 554);
  CHECK(count("RSET") == 1);
}

TEST_CASE_METHOD(Fixture, "A connection lost after a chunk may have delivered it", "[unit][mta]") {
  script.replies["EHLO"] = kChunking;
  const std::string verb = GENERATE("MAIL", "RCPT", "BDAT");
  script.replies["BDAT"] = "250 2.0.0 Taken\r\n";
  script.replies[verb].clear();
  run();
  CHECK(verdicts.at(0).fate == Fate::deferred);
  CHECK_FALSE(verdicts.at(0).other_host);
  CHECK_FALSE(usable);
}

TEST_CASE_METHOD(Fixture, "Without the lease no chunk goes out", "[unit][mta]") {
  script.replies["EHLO"] = kChunking;
  lease = false;
  run();
  CHECK(verdicts.at(0).fate == Fate::deferred);
  CHECK(count("MAIL") == 0);
  CHECK(usable);
}

TEST_CASE_METHOD(Fixture, "Binary content goes in chunks as it is", "[unit][mta]") {
  script.replies["EHLO"] = kChunking;
  script.replies["BDAT"] = "250 2.0.0 Taken\r\n";
  message.binary = true;
  text = "Subject: x\r\n\r\nbare\nlf" + std::string(1, '\0') + std::string(SmtpClient::kChunk, 'x');
  run();
  expect_all(Fate::delivered, 250);
  CHECK(talk.content == text);
  CHECK(talk.lines.at(1).ends_with(" BODY=BINARYMIME"));
  CHECK(count("BDAT") == 2);
  CHECK(talk.messages == 1);
}

}  // namespace
}  // namespace dromos::mta
