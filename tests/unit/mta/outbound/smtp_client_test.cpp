#include "mta/outbound/smtp_client.h"

#include <catch2/catch.hpp>
#include <map>

#include "common/async/task_group.h"

namespace dromos::mta {
namespace {

/// A server that answers by the first word of each line; "" closes instead of answering.
struct Script {
  std::string greeting = "220 mx.a.test ESMTP\r\n";
  std::map<std::string, std::string> replies = {
      {"EHLO",
       "250-mx.a.test\r\n250-PIPELINING\r\n250-SIZE 1000\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 DSN\r\n"},
      {"HELO", "250 mx.a.test\r\n"},
      {"MAIL", "250 2.1.0 Ok\r\n"},
      {"RCPT", "250 2.1.5 Ok\r\n"},
      {"DATA", "354 Go\r\n"},
      {"RSET", "250 Ok\r\n"},
      {"QUIT", "221 Bye\r\n"},
      {".", "250 2.0.0 Queued as 1\r\n"}};
  std::map<std::string, std::string> by_line;  ///< whole lines, before `replies`
  std::string endless;                         ///< after this verb: lines of a reply without end
};

struct Talk {
  std::vector<std::string> lines;  ///< commands as received
  std::string content;             ///< of the last DATA, as on the wire without the dot
  size_t messages = 0;             ///< complete ones
};

Task<Result<void>> serve(net::Stream& stream, const Script& script, Talk& talk) {
  const Deadline deadline = Deadline::after(seconds(10));
  if (script.greeting.empty()) co_return Result<void>{};
  stream.write(script.greeting);
  CO_TRY_VOID(co_await stream.flush(deadline));
  while (true) {
    CO_TRY(const std::string line, co_await stream.read_line(4096, deadline));
    talk.lines.push_back(line);
    const std::string verb = line.substr(0, line.find(' '));
    if (verb == script.endless) {
      while (true) {
        for (int i = 0; i < 100; ++i) stream.write("250-more\r\n");
        CO_TRY_VOID(co_await stream.flush(deadline));
      }
    }
    const auto special = script.by_line.find(line);
    const auto found = script.replies.find(verb);
    const std::string reply = special != script.by_line.end() ? special->second
                              : found != script.replies.end() ? found->second
                                                              : "500 What?\r\n";
    if (reply.empty()) co_return Result<void>{};
    stream.write(reply);
    CO_TRY_VOID(co_await stream.flush(deadline));
    if (verb != "DATA" || !reply.starts_with("354")) continue;
    talk.content.clear();
    while (true) {
      CO_TRY(const std::string text, co_await stream.read_line(4096, deadline));
      if (text == ".") break;
      talk.content += text + "\r\n";
    }
    ++talk.messages;
    const std::string& last = script.replies.at(".");
    if (last.empty()) co_return Result<void>{};
    stream.write(last);
    CO_TRY_VOID(co_await stream.flush(deadline));
  }
}

Task<void> run_server(std::unique_ptr<net::Stream> stream, const Script& script, Talk& talk) {
  const auto done = co_await serve(*stream, script, talk);
  static_cast<void>(done);  // the client ends it
  stream->close();
}

Task<Result<void>> give(std::string text, std::function<Task<Result<void>>(std::string_view)> on_piece) {
  // Byte by byte at first: cuts anywhere must not matter.
  size_t at = 0;
  for (; at < text.size() && at < 40; ++at)
    CO_TRY_VOID(co_await on_piece(std::string_view(text).substr(at, 1)));
  co_return co_await on_piece(std::string_view(text).substr(at));
}

Task<Result<bool>> answer(bool value) {
  co_return value;
}

struct Fixture {
  Script script;
  Talk talk;
  OutboundMessage message;
  SmtpClientOptions options;
  std::vector<SendVerdict> verdicts;
  std::optional<SmtpClient::Failure> failure;
  bool usable = false;
  bool lease = true;
  std::string text = "Subject: x\r\n\r\n.dot\r\n..two\r\nend";
  int sends = 1;

  Fixture() {
    options.hostname = "us.test";
    options.remote_name = "mx.a.test";
    options.timeouts = {milliseconds(3000), milliseconds(3000), milliseconds(3000),
                        milliseconds(3000), milliseconds(3000), milliseconds(3000)};
    message.sender = *smtp::parse_mailbox("me@us.test");
    message.size = 100;
    add("a@a.test");
  }
  void add(const std::string& address) {
    OutboundRecipient recipient;
    recipient.address = *smtp::parse_mailbox(address);
    message.recipients.push_back(std::move(recipient));
  }
  void run() {
    message.body = [this](std::function<Task<Result<void>>(std::string_view)> on_piece) {
      return give(text, std::move(on_piece));
    };
    message.before_dot = [this] { return answer(lease); };
    run_blocking(play());
  }
  void expect_all(Fate fate, int code) {
    for (const SendVerdict& verdict : verdicts) {
      CHECK(verdict.fate == fate);
      CHECK(verdict.code == code);
    }
  }
  size_t count(const std::string& verb) const {
    size_t n = 0;
    for (const std::string& line : talk.lines) n += line.substr(0, line.find(' ')) == verb;
    return n;
  }

 private:
  Task<void> play() {
    auto pair = net::Stream::memory_pair();
    TaskGroup server;
    server.spawn(run_server(std::move(pair.first), script, talk));
    co_await talk_to(std::move(pair.second));
    co_await server.join();
  }
  Task<void> talk_to(std::unique_ptr<net::Stream> stream) {
    auto opened = co_await SmtpClient::open(std::move(stream), options);
    if (auto* failed = std::get_if<SmtpClient::Failure>(&opened)) {
      failure = std::move(*failed);
      co_return;
    }
    auto client = std::move(std::get<std::unique_ptr<SmtpClient>>(opened));
    for (int i = 0; i < sends; ++i) verdicts = co_await client->send(message);
    usable = client->usable();
    if (usable) co_await client->quit();
  }
};

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
    CHECK(verdicts.at(0).status == "5.6.7");
  }
  SECTION("a UTF-8 address") {
    add("ü@a.test");
    run();
    CHECK(verdicts.at(0).status == "5.6.7");
  }
  SECTION("8-bit content") {
    message.eight_bit = true;
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

TEST_CASE_METHOD(Fixture, "A lease lost before the dot leaves the message incomplete", "[unit][mta]") {
  lease = false;
  run();
  CHECK(talk.messages == 0);
  CHECK(verdicts.at(0).fate == Fate::deferred);
  CHECK_FALSE(verdicts.at(0).other_host);
  CHECK_FALSE(usable);
}

TEST_CASE_METHOD(Fixture, "STARTTLS refused: opportunistic goes on, required does not", "[unit][mta]") {
  options.tls_client = *net::TlsClient::load({.verify = false, .ca_file = {}, .alpn = {}, .certificate = {}});
  script.replies["EHLO"] = "250-mx.a.test\r\n250-STARTTLS\r\n250 DSN\r\n";
  script.replies["STARTTLS"] = GENERATE("454 TLS not available\r\n", "502 No\r\n");
  const bool required = GENERATE(true, false);
  if (required) options.tls = TlsPolicy::required;
  run();
  CHECK(failure.has_value() == required);
  CHECK(talk.messages == (required ? 0u : 1u));
}

TEST_CASE_METHOD(Fixture, "TLS required and not offered is a failure of the host", "[unit][mta]") {
  options.tls_client = *net::TlsClient::load({.verify = false, .ca_file = {}, .alpn = {}, .certificate = {}});
  options.tls = TlsPolicy::required;
  run();
  REQUIRE(failure);
  CHECK(failure->verdict.status == "4.7.10");
  CHECK(count("MAIL") == 0);
}

TEST_CASE_METHOD(Fixture, "Plain text behind the answer to STARTTLS is an attack", "[unit][mta]") {
  options.tls_client = *net::TlsClient::load({.verify = false, .ca_file = {}, .alpn = {}, .certificate = {}});
  script.replies["EHLO"] = "250-mx.a.test\r\n250 STARTTLS\r\n";
  script.replies["STARTTLS"] = "220 Go\r\n250 injected\r\n";
  run();
  REQUIRE(failure);
  CHECK(failure->verdict.diagnostic.find("plain text") != std::string::npos);
  CHECK_FALSE(failure->tls_failed);
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

}  // namespace
}  // namespace dromos::mta
