#include "common/smtp/dsn.h"

#include <catch2/catch.hpp>

using namespace dromos;
using namespace dromos::smtp;

namespace {

DsnReport report() {
  DsnReport r;
  r.reporting_mta = "mx.test";
  r.from_domain = "example.test";
  r.to = parse_mailbox("alice@example.test").value();
  r.message_id = "1@mx.test";
  r.date_us = 1795316645000000;
  r.arrival_us = 1795316645000000;
  r.envid = "QQ+1";
  r.trace_id = "Xabc";
  DsnRecipient bob;
  bob.recipient = parse_mailbox("bob@b.test").value();
  bob.orcpt_type = "rfc822";
  bob.orcpt_address = "Bob@b.test";
  bob.status = "5.1.1";
  bob.remote_mta = "mx.b.test";
  bob.diagnostic = "550 5.1.1 No such user";
  r.recipients.push_back(bob);
  r.original = "From: alice@example.test\r\nSubject: hi\r\n\r\nbody\r\n";
  return r;
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

/// Every line ends in CR LF, nothing else, and is short enough.
bool lines_are_clean(const std::string& text) {
  size_t start = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\0' || (text[i] == '\r' && text[i + 1] != '\n')) return false;
    if (text[i] != '\n') continue;
    if (i == 0 || text[i - 1] != '\r') return false;
    if (i - start > 998) return false;
    start = i + 1;
  }
  return start == text.size();
}

}  // namespace

TEST_CASE("a failure report has the three parts of RFC 3464", "[unit][smtp]") {
  const DsnMessage dsn = build_dsn(report());
  REQUIRE(
      has(dsn.bytes,
          "Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary=\"dsn-1mxtest\"\r\n"));
  REQUIRE(has(dsn.bytes, "Auto-Submitted: auto-replied\r\n"));
  REQUIRE(has(dsn.bytes, "To: <alice@example.test>\r\n"));
  REQUIRE(has(dsn.bytes, "mx.b.test said: 550 5.1.1 No such user\r\n"));
  REQUIRE(
      has(dsn.bytes,
          "Original-Envelope-Id: QQ+2B1\r\nReporting-MTA: dns;mx.test\r\nArrival-Date: Sun, 22 Nov 2026"));
  REQUIRE(
      has(dsn.bytes,
          "\r\n\r\nOriginal-Recipient: rfc822;Bob@b.test\r\nFinal-Recipient: rfc822;bob@b.test\r\nAction: "
          "failed\r\n"
          "Status: 5.1.1\r\nRemote-MTA: dns;mx.b.test\r\nDiagnostic-Code: smtp; 550 5.1.1 No such user\r\n"));
  REQUIRE(has(dsn.bytes,
              "Content-Type: text/rfc822-headers\r\n\r\nFrom: alice@example.test\r\nSubject: "
              "hi\r\n\r\n--dsn-1mxtest--\r\n"));
  REQUIRE_FALSE(has(dsn.bytes, "body"));
  REQUIRE(lines_are_clean(dsn.bytes));
  REQUIRE_FALSE(dsn.eight_bit);
  REQUIRE_FALSE(dsn.needs_smtputf8);
}

TEST_CASE("RET=FULL returns the message, unless it is too large", "[unit][smtp]") {
  DsnReport r = report();
  r.full = true;
  REQUIRE(has(build_dsn(r).bytes,
              "Content-Type: message/rfc822\r\n\r\nFrom: alice@example.test\r\nSubject: hi\r\n\r\nbody\r\n"));
  r.original += std::string(kMaxDsnOriginal, 'x');
  REQUIRE(has(build_dsn(r).bytes, "text/rfc822-headers"));
  REQUIRE(build_dsn(r).bytes.size() < 3000);
  r.original = "";
  r.full = false;
  for (int i = 0; i < 20000; ++i) r.original += "X-Header: some text\r\n";
  REQUIRE(build_dsn(r).bytes.size() < kMaxDsnHeaders + 3000);
}

TEST_CASE("delay and success reports say so", "[unit][smtp]") {
  DsnReport r = report();
  r.recipients[0].action = DsnAction::delayed;
  r.recipients[0].status = "";
  r.recipients[0].will_retry_until_us = 1795316645000000;
  REQUIRE(has(build_dsn(r).bytes, "Subject: Delivery of your mail is delayed\r\n"));
  REQUIRE(has(build_dsn(r).bytes, "Status: 4.0.0\r\n"));
  REQUIRE(has(build_dsn(r).bytes, "Will-Retry-Until: Sun, 22 Nov 2026 03:04:05 +0000\r\n"));
  r.recipients[0].action = DsnAction::delivered;
  REQUIRE(has(build_dsn(r).bytes, "Subject: Your mail was delivered\r\n"));
  REQUIRE(has(build_dsn(r).bytes, "Action: delivered\r\nStatus: 2.0.0\r\n"));
}

TEST_CASE("text from outside cannot add fields or parts", "[unit][smtp]") {
  DsnReport r = report();
  r.recipients[0].diagnostic =
      "550 x\r\nAction: delivered\r\n\r\n--dsn-1mxtest--\r\n" + std::string(5000, 'y') + "\xFF";
  r.recipients[0].remote_mta = "evil\r\nX: y";
  r.recipients[0].orcpt_address = "a\r\nStatus: 2.0.0";
  r.recipients[0].status = "5.1.1\r\nX: y";
  r.original = std::string("A: b\nC: d\r--dsn-1mxtest\0\r\n", 26);
  const DsnMessage dsn = build_dsn(r);
  REQUIRE(lines_are_clean(dsn.bytes));
  REQUIRE_FALSE(has(dsn.bytes, "\r\nX: y"));
  REQUIRE_FALSE(has(dsn.bytes, "\r\nAction: delivered"));
  REQUIRE_FALSE(has(dsn.bytes, "\r\nStatus: 2.0.0"));
  REQUIRE(has(dsn.bytes, "boundary=\"dsn-1mxtestx\""));
  REQUIRE(dsn.bytes.size() < 8000);
}

TEST_CASE("addresses that are not ASCII use the forms of RFC 6533", "[unit][smtp]") {
  DsnReport r = report();
  r.to = parse_mailbox("\xC3\xBC@example.test").value();
  r.recipients[0].recipient = parse_mailbox("j\xC3\xBC@b.test").value();
  r.original = "Subject: \xC3\xBC\r\n\r\n";
  const DsnMessage dsn = build_dsn(r);
  REQUIRE(dsn.needs_smtputf8);
  REQUIRE(dsn.eight_bit);
  REQUIRE(
      has(dsn.bytes, "Content-Type: message/global-delivery-status\r\nContent-Transfer-Encoding: 8bit\r\n"));
  REQUIRE(has(dsn.bytes, "Final-Recipient: utf-8;j\xC3\xBC@b.test\r\n"));
  REQUIRE(has(dsn.bytes, "Content-Type: message/global-headers\r\n"));
}
