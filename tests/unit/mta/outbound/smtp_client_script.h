// What the tests of SmtpClient share: a server by script over a pair of streams in memory, and a message for
// it.
#pragma once

#include <catch2/catch.hpp>
#include <map>
#include <utility>

#include "common/async/task_group.h"
#include "common/base/strings.h"
#include "mta/outbound/smtp_client.h"

namespace dromos::mta::smtp_client_script {

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

inline Task<Result<void>> serve(net::Stream& stream, const Script& script, Talk& talk) {
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

inline Task<void> run_server(std::unique_ptr<net::Stream> stream, const Script& script, Talk& talk) {
  const auto done = co_await serve(*stream, script, talk);
  static_cast<void>(done);  // the client ends it
  stream->close();
}

inline Task<Result<void>> give(std::string text,
                               std::function<Task<Result<void>>(std::string_view)> on_piece) {
  // Byte by byte at first: cuts anywhere must not matter.
  size_t at = 0;
  for (; at < text.size() && at < 40; ++at)
    CO_TRY_VOID(co_await on_piece(std::string_view(text).substr(at, 1)));
  co_return co_await on_piece(std::string_view(text).substr(at));
}

inline Task<Result<bool>> answer(bool value) {
  co_return value;
}

/// One client against one server; run() fills in what was said and what became of the recipients.
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

}  // namespace dromos::mta::smtp_client_script
