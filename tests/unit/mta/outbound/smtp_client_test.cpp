#include "mta/outbound/smtp_client.h"

#include <catch2/catch.hpp>
#include <map>
#include <utility>

#include "common/async/task_group.h"
#include "common/base/strings.h"
#include "common/sasl/framing.h"
#include "common/sasl/scram_verifier.h"
#include "common/sasl/server.h"

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
  std::map<std::string, std::string> by_line;             ///< whole lines, before `replies`
  std::function<std::string(const std::string&)> answer;  ///< of a line, before all; "" leaves it to them
  std::string endless;                                    ///< after this verb: lines of a reply without end
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
    if (!verb.empty() && verb == script.endless) {
      while (true) {
        for (int i = 0; i < 100; ++i) stream.write("250-more\r\n");
        CO_TRY_VOID(co_await stream.flush(deadline));
      }
    }
    const auto special = script.by_line.find(line);
    const auto found = script.replies.find(verb);
    if (verb == "BDAT") {
      const size_t size = std::stoul(line.substr(5));
      CO_TRY(const std::string chunk, co_await stream.read_exactly(size, deadline));
      talk.content += chunk;
      if (line.ends_with(" LAST")) ++talk.messages;
    }
    const std::string answered = script.answer ? script.answer(line) : "";
    const std::string reply = !answered.empty()                 ? answered
                              : special != script.by_line.end() ? special->second
                              : found != script.replies.end()   ? found->second
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

Task<Result<SevenBit>> form_of(std::string text) {
  co_return seven_bit_form(text);
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

std::string join_lines(const std::vector<std::string>& lines) {
  std::string out;
  for (const std::string& line : lines) out += line + "\n";
  return out;
}

struct LoginFixture : Fixture {
  LoginFixture() {
    options.credentials = std::make_shared<Credentials>(Credentials{"me", "secret"});
    script.replies["AUTH"] = "235 2.7.0 Ok\r\n";
  }
  void offer(const std::string& mechanisms) {
    script.replies["EHLO"] = "250-mx.a.test\r\n250-DSN\r\n250 AUTH " + mechanisms + "\r\n";
  }
};

TEST_CASE_METHOD(LoginFixture, "PLAIN and LOGIN log in", "[unit][mta]") {
  SECTION("PLAIN") {
    offer("LOGIN PLAIN");
    run();
    CHECK(talk.lines.at(1) == "AUTH PLAIN " + base64(std::string("\0me\0secret", 10)));
  }
  SECTION("LOGIN") {
    offer("LOGIN");
    script.replies["AUTH"] = "334 VXNlcm5hbWU6\r\n";
    script.by_line[base64("me")] = "334 UGFzc3dvcmQ6\r\n";
    script.by_line[base64("secret")] = "235 2.7.0 Ok\r\n";
    run();
  }
  expect_all(Fate::delivered, 250);
}

TEST_CASE_METHOD(LoginFixture, "SCRAM is preferred and makes the server prove itself", "[unit][mta]") {
  offer("PLAIN SCRAM-SHA-256");
  const bool liar = GENERATE(false, true);
  const auto server = std::shared_ptr(sasl::make_server("SCRAM-SHA-256", {}));
  const auto verifier = sasl::make_scram_verifier("secret");
  script.answer = [=, wait = false](const std::string& line) mutable -> std::string {
    std::string bytes;
    if (line.starts_with("AUTH SCRAM-SHA-256 ")) {
      bytes = *sasl::decode_initial(line.substr(19));
      wait = true;
    } else if (wait && line.find(' ') == std::string::npos && line != "QUIT") {
      if (liar) return "235 2.7.0 Ok\r\n";
      bytes = *sasl::decode_response(line);
    } else {
      return "";
    }
    sasl::Step step = server->step(bytes);
    if (std::holds_alternative<sasl::NeedScram>(step)) step = server->scram_credentials(verifier);
    if (const auto* challenge = std::get_if<sasl::Challenge>(&step))
      return "334 " + base64(challenge->bytes) + "\r\n";
    wait = false;
    return std::holds_alternative<sasl::Done>(step) ? "235 2.7.0 Ok\r\n" : "535 5.7.8 No\r\n";
  };
  run();
  if (liar) {
    REQUIRE(failure);
    CHECK(count("MAIL") == 0);
  } else {
    INFO(join_lines(talk.lines) << (failure ? failure->verdict.diagnostic : std::string("no failure")));
    REQUIRE_FALSE(failure);
    expect_all(Fate::delivered, 250);
  }
}

TEST_CASE_METHOD(LoginFixture, "A login that fails is never the mail's fault", "[unit][mta]") {
  SECTION("refused") {
    offer("PLAIN");
    script.replies["AUTH"] = "535 5.7.8 Wrong\r\n";
  }
  SECTION("nothing in common") {
    offer("GSSAPI");
  }
  SECTION("no AUTH at all") {}
  SECTION("endless challenges") {
    offer("LOGIN");
    script.answer = [](const std::string& line) { return line.starts_with("EHLO") ? "" : "334 \r\n"; };
  }
  SECTION("a challenge that is no base64") {
    offer("LOGIN");
    script.replies["AUTH"] = "334 ???\r\n";
  }
  run();
  REQUIRE(failure);
  CHECK(failure->verdict.fate == Fate::deferred);
  CHECK(count("MAIL") == 0);
}

TEST_CASE_METHOD(LoginFixture, "A mechanism that the server forgot is passed over", "[unit][mta]") {
  offer("PLAIN SCRAM-SHA-1");
  script.answer = [](const std::string& line) {
    return line.starts_with("AUTH SCRAM") ? "504 5.5.4 Unknown\r\n" : "";
  };
  run();
  expect_all(Fate::delivered, 250);
}

}  // namespace
}  // namespace dromos::mta
