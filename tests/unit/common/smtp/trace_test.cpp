#include "common/smtp/trace.h"

#include <catch2/catch.hpp>

using namespace dromos;
using namespace dromos::smtp;

namespace {

ReceivedInfo info() {
  ReceivedInfo i;
  i.helo = "client.test";
  i.client_ip = "192.0.2.1";
  i.client_name = "c.example.test";
  i.by = "mx.test";
  i.id = "abc";
  i.time_us = 1795316645000000;
  return i;
}

}  // namespace

TEST_CASE("Received says who, how and when", "[unit][smtp]") {
  ReceivedInfo i = info();
  REQUIRE(received_header(i) ==
          "Received: from client.test (c.example.test [192.0.2.1])\r\n\tby mx.test with ESMTP id abc;\r\n\t"
          "Sun, 22 Nov 2026 03:04:05 +0000\r\n");
  i.client_ip = "2001:db8::1";
  i.client_name = "";
  i.tls = true;
  i.tls_version = "TLSv1.3";
  i.tls_cipher = "TLS_AES_256_GCM_SHA384";
  i.recipient = parse_mailbox("bob@b.test").value();
  REQUIRE(received_header(i) ==
          "Received: from client.test (unknown [IPv6:2001:db8::1])\r\n\t(using TLSv1.3 with cipher "
          "TLS_AES_256_GCM_SHA384)\r\n\tby mx.test with ESMTPS id abc\r\n\tfor <bob@b.test>;\r\n\t"
          "Sun, 22 Nov 2026 03:04:05 +0000\r\n");
}

TEST_CASE("what a client says cannot break out of Received", "[unit][smtp]") {
  ReceivedInfo i = info();
  i.helo = "a) (b\r\nX-Evil: 1;\xC3\xBC" + std::string(1000, 'a');
  i.client_name = "x]\r\nY: z";
  const std::string header = received_header(i);
  REQUIRE(header.find("\r\nX-Evil") == std::string::npos);
  REQUIRE(header.find("\r\nY:") == std::string::npos);
  REQUIRE(header.find("a) (b") == std::string::npos);
  REQUIRE(header.size() < 600);
  i.helo = "";
  REQUIRE(received_header(i).starts_with("Received: from unknown ("));
}

TEST_CASE("protocol names are those of RFC 3848 and RFC 6531", "[unit][smtp]") {
  const auto name = [](bool lmtp, bool esmtp, bool utf8, bool tls, bool auth) {
    ReceivedInfo i;
    i.lmtp = lmtp;
    i.esmtp = esmtp;
    i.smtputf8 = utf8;
    i.tls = tls;
    i.authenticated = auth;
    return protocol_name(i);
  };
  REQUIRE(name(false, false, false, false, false) == "SMTP");
  REQUIRE(name(false, true, false, true, true) == "ESMTPSA");
  REQUIRE(name(false, true, false, false, true) == "ESMTPA");
  REQUIRE(name(true, true, false, true, false) == "LMTPS");
  REQUIRE(name(false, true, true, true, true) == "UTF8SMTPSA");
  REQUIRE(name(true, true, true, false, false) == "UTF8LMTP");
}

TEST_CASE("Return-Path and the count of hops", "[unit][smtp]") {
  REQUIRE(return_path_header(std::nullopt) == "Return-Path: <>\r\n");
  REQUIRE(return_path_header(parse_mailbox("\"a b\"@c.test").value()) == "Return-Path: <\"a b\"@c.test>\r\n");
  REQUIRE(received_count("Received: a\r\n\tReceived: fold\r\nRECEIVED : b\r\nReceived-SPF: c\r\nX-Received: "
                         "d\r\n\r\nReceived: body\r\n") == 2);
  REQUIRE(received_count("") == 0);
  REQUIRE(received_count("Received") == 0);
  REQUIRE(received_count("Received: a\nReceived: b\n\nReceived: c") == 2);
}

TEST_CASE("dates are RFC 5322, leap days and the epoch too", "[unit][smtp]") {
  REQUIRE(format_date(0) == "Thu, 01 Jan 1970 00:00:00 +0000");
  REQUIRE(format_date(1709164800000000) == "Thu, 29 Feb 2024 00:00:00 +0000");
}
