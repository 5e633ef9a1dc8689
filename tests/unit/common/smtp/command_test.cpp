#include "common/smtp/command.h"

#include <catch2/catch.hpp>

#include "common/smtp/reply.h"

using namespace dromos;
using namespace dromos::smtp;

namespace {

template <class T>
T get(std::string_view line, const CommandOptions& options = {}) {
  INFO(std::string(line));
  auto command = parse_command(line, options);
  INFO((command ? "" : command.error().message()));
  REQUIRE(command);
  REQUIRE(std::holds_alternative<T>(*command));
  return std::get<T>(*command);
}

int code_of(std::string_view line, const CommandOptions& options = {}) {
  const auto command = parse_command(line, options);
  return command ? 0 : reply_for(command.error()).code;
}

}  // namespace

TEST_CASE("simple commands in any case, with trailing blanks", "[unit][smtp]") {
  get<Data>("data");
  get<Data>("DATA  ");
  get<Rset>("RsEt");
  get<Quit>("QUIT\t");
  get<StartTls>("STARTTLS");
  get<Noop>("NOOP");
  get<Noop>("NOOP anything at all");
  REQUIRE(get<Help>("HELP MAIL").topic == "MAIL");
  REQUIRE(get<Vrfy>("VRFY root").argument == "root");
  REQUIRE(get<Expn>("EXPN list").argument == "list");
  REQUIRE(get<Hello>("EHLO mx.example.test").name == "mx.example.test");
  REQUIRE(get<Hello>("HELO [192.0.2.1]").kind == Greeting::helo);
  REQUIRE(get<Hello>("LHLO my_host").kind == Greeting::lhlo);
  REQUIRE(verb_name(*parse_command("bdat 1")) == "BDAT");
}

TEST_CASE("each wrong command gets its reply code", "[unit][smtp]") {
  struct Case {
    std::string line;
    int code;
  };
  const Case cases[] = {
      {"", 500},
      {"FOO", 500},
      {"MAILFROM:<a@b>", 500},
      {std::string(30000, 'x'), 500},
      {" NOOP", 500},
      {"GET / HTTP/1.1", 500},
      {"DATA x", 501},
      {"RSET x", 501},
      {"QUIT now", 501},
      {"STARTTLS x", 501},
      {"EHLO", 501},
      {"EHLO  ", 501},
      {std::string("EHLO \0", 6), 500},
      {"EHLO a\x01", 500},
      {"EHLO \x80", 501},
      {"EHLO " + std::string(256, 'a'), 501},
      {"EHLO " + std::string(3000, 'a'), 500},
      {"VRFY", 501},
      {"EXPN", 501},
      {"NOOP " + std::string(3000, 'x'), 500},
      {"MAIL", 501},
      {"MAIL FROM", 501},
      {"MAIL TO:<a@b>", 501},
      {"MAIL FROM:", 501},
      {"MAIL FROM:a@b.test", 501},
      {"MAIL FROM:<a@b.test", 501},
      {"MAIL FROM:<a@b.test>SIZE=1", 501},
      {"MAIL FROM:<a@b.test> SIZE", 501},
      {"MAIL FROM:<a@b\r\nRCPT TO:<c@d>", 500},
      {"MAIL FROM:<a@b.test> SIZE=", 501},
      {"MAIL FROM:<a@b.test> SIZE=-1", 501},
      {"MAIL FROM:<a@b.test> SIZE=1 SIZE=1", 501},
      {"MAIL FROM:<a@b.test> BODY=9BIT", 501},
      {"MAIL FROM:<a@b.test> BODY=BINARYMIME", 501},
      {"MAIL FROM:<a@b.test> FOO=1", 555},
      {"MAIL FROM:<a@b.test> =1", 501},
      {"MAIL FROM:<a@b.test> NOTIFY=NEVER", 555},
      {"MAIL FROM:<a@b.test> SMTPUTF8=1", 501},
      {"MAIL FROM:<a@b.test> RET=SOME", 501},
      {"MAIL FROM:<a@b.test> ENVID=+0", 501},
      {"MAIL FROM:<a@b.test> ENVID=+0A", 501},
      {"MAIL FROM:<a@b.test> ENVID=" + std::string(101, 'e'), 501},
      {"MAIL FROM:<a@b.test> AUTH=nobody", 501},
      {"MAIL FROM:<a@b.test> HOLDFOR=10", 555},
      {"MAIL FROM:<\xC3\xBC@b.test>", 553},
      {"MAIL FROM:<a@\xC3\xBC.test>", 553},
      {"MAIL FROM:<postmaster>", 501},
      {"RCPT TO:<>", 501},
      {"RCPT TO:<a>", 501},
      {"RCPT FROM:<a@b.test>", 501},
      {std::string("RCPT TO:<c@d\0@e>", 16), 500},
      {"RCPT TO:<a@b.test> SIZE=1", 555},
      {"RCPT TO:<a@b.test> NOTIFY=", 501},
      {"RCPT TO:<a@b.test> NOTIFY=NEVER,DELAY", 501},
      {"RCPT TO:<a@b.test> NOTIFY=DELAY,DELAY", 501},
      {"RCPT TO:<a@b.test> NOTIFY=X", 501},
      {"RCPT TO:<a@b.test> ORCPT=rfc822", 501},
      {"RCPT TO:<a@b.test> ORCPT=rfc822;", 501},
      {"RCPT TO:<a@b.test> ORCPT=rfc822;a+0Db", 501},
      {"RCPT TO:<a@b.test> ORCPT=utf-8;\\x{D800}", 501},
      {"RCPT TO:<" + std::string(65, 'a') + "@b.test>", 501},
      {"BDAT", 501},
      {"BDAT -1", 501},
      {"BDAT +1", 501},
      {"BDAT 18446744073709551616", 501},
      {"BDAT 1 LAST 2", 501},
      {"BDAT 1 FIRST", 501},
      {"BDAT LAST", 501},
      {"BDAT 0x10", 501},
      {"AUTH", 501},
      {"AUTH PL*IN", 501},
      {"AUTH PLAIN a b", 501},
      {"AUTH " + std::string(21, 'A'), 501},
      {"AUTH PLAIN " + std::string(12288, 'A'), 500},
  };
  for (const Case& c : cases) {
    INFO(c.line.substr(0, 80));
    REQUIRE(code_of(c.line) == c.code);
  }
  std::string many = "MAIL FROM:<a@b.test>";
  for (int i = 0; i < 17; ++i) many += " X" + std::to_string(i) + "=1";
  REQUIRE(code_of(many) == 501);
}

TEST_CASE("MAIL's parameters are typed, and all kept as sent", "[unit][smtp]") {
  const auto mail = get<MailFrom>(
      "mail from: <a@b.test>  size=1000 BODY=8bitmime smtputf8 AUTH=u+40c.test RET=hdrs ENVID=QQ+2B1 "
      "REQUIRETLS");
  REQUIRE(mail.from->to_string() == "a@b.test");
  REQUIRE(mail.size == 1000);
  REQUIRE(mail.body == Body::eight_bit_mime);
  REQUIRE(mail.smtputf8);
  REQUIRE(mail.requiretls);
  REQUIRE(mail.auth == "u@c.test");
  REQUIRE(mail.ret == DsnReturn::headers);
  REQUIRE(mail.envid == "QQ+1");
  REQUIRE(mail.parameters.size() == 7);
  REQUIRE(mail.parameters[0].keyword == "SIZE");
  REQUIRE(mail.parameters[0].value == "1000");
  REQUIRE(mail.parameters[2].value == std::nullopt);

  REQUIRE_FALSE(get<MailFrom>("MAIL FROM:<>").from);
  REQUIRE(get<MailFrom>("MAIL FROM:<> AUTH=<>").auth == "");
  REQUIRE(get<MailFrom>("MAIL FROM:<a@b.test> SIZE=99999999999999999999").size == UINT64_MAX);
  REQUIRE(get<MailFrom>("MAIL FROM:<\xC3\xBC@b.test> SMTPUTF8").from->needs_smtputf8());
  const CommandOptions later{.future_release = true, .binary_mime = true};
  REQUIRE(get<MailFrom>("MAIL FROM:<a@b.test> HOLDFOR=60 BODY=BINARYMIME", later).hold_for_s == 60);
  REQUIRE(get<MailFrom>("MAIL FROM:<a@b.test> HOLDUNTIL=2026-11-22T03:04:05Z", later).hold_until_us ==
          1795316645000000);
  REQUIRE(get<MailFrom>("MAIL FROM:<a@b.test> HOLDUNTIL=2026-11-22T04:04:05.5+01:00", later).hold_until_us ==
          1795316645000000);
  REQUIRE(code_of("MAIL FROM:<a@b.test> HOLDUNTIL=2026-13-22T03:04:05Z", later) == 501);
  REQUIRE(code_of("MAIL FROM:<a@b.test> HOLDUNTIL=2026-11-22T03:04:05", later) == 501);
  REQUIRE(code_of("MAIL FROM:<a@b.test> HOLDFOR=1 HOLDUNTIL=2026-11-22T03:04:05Z", later) == 501);
  REQUIRE(code_of("MAIL FROM:<a@b.test> SMTPUTF8", {.smtputf8 = false}) == 555);
}

TEST_CASE("RCPT's DSN parameters are typed", "[unit][smtp]") {
  const auto rcpt = get<RcptTo>("RCPT TO:<bob@b.test> NOTIFY=success,Failure ORCPT=RFC822;bob+2Bx+40b.test");
  REQUIRE(rcpt.to.to_string() == "bob@b.test");
  REQUIRE(rcpt.notify.success);
  REQUIRE(rcpt.notify.on_failure());
  REQUIRE_FALSE(rcpt.notify.delay);
  REQUIRE(rcpt.orcpt->type == "rfc822");
  REQUIRE(rcpt.orcpt->address == "bob+x@b.test");
  REQUIRE(get<RcptTo>("RCPT TO:<a@b.test>").notify.on_failure());
  REQUIRE_FALSE(get<RcptTo>("RCPT TO:<a@b.test> NOTIFY=NEVER").notify.on_failure());
  REQUIRE(get<RcptTo>("RCPT TO:<a@b.test> ORCPT=utf-8;\\x{FC}@b.test").orcpt->address == "\xC3\xBC@b.test");
  REQUIRE(get<RcptTo>("RCPT TO:<@x.test,@y.test:c@d.test>").to.to_string() == "c@d.test");
  REQUIRE(code_of("RCPT TO:<../../etc/passwd@d.test>") ==
          501);  // the leading dots; as "x/../y" it is only a name
}

TEST_CASE("BDAT and AUTH take their arguments", "[unit][smtp]") {
  REQUIRE(get<Bdat>("BDAT 86 LAST").last);
  REQUIRE(get<Bdat>("BDAT 0 last").size == 0);
  REQUIRE(get<Bdat>("BDAT 18446744073709551615").size == UINT64_MAX);
  REQUIRE(get<Auth>("AUTH plain").mechanism == "PLAIN");
  REQUIRE_FALSE(get<Auth>("AUTH LOGIN").initial);
  REQUIRE(get<Auth>("AUTH PLAIN =").initial == "=");
  REQUIRE(get<Auth>("AUTH SCRAM-SHA-256-PLUS YWI=").initial == "YWI=");
  REQUIRE(get<Auth>("AUTH PLAIN " + std::string(12000, 'A')).initial->size() == 12000);
}

TEST_CASE("xtext goes both ways", "[unit][smtp]") {
  REQUIRE(xtext_encode("a+b=c d\x01") == "a+2Bb+3Dc+20d+01");
  std::string all;
  for (int c = 0; c < 256; ++c) all.push_back(static_cast<char>(c));
  REQUIRE(xtext_decode(xtext_encode(all)) == all);
  for (const char* bad : {"+", "+1", "+2b", "=", "a b", "+GG", "\x80"}) REQUIRE_FALSE(xtext_decode(bad));
  for (const char* bad : {"\\x{}", "\\x{1}", "\\x{110000}", "\\x{1234567}", "\\x{FC", "\\x{fc}", "\xFF"})
    REQUIRE_FALSE(utf8_addr_decode(bad));
}
