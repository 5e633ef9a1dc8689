// Session: one POP3 connection (RFC 1939): AUTHORIZATION, TRANSACTION, and UPDATE at QUIT. Commands run in
// turn as they come (PIPELINING, RFC 2449 §6.6); answers go out when the input is drained or much is pending.
// Any other end than QUIT, be it time, error, drain or a lost connection, deletes nothing.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "common/smtp/line_splitter.h"
#include "imapd/pop3/maildrop.h"
#include "imapd/pop3/protocol/command.h"
#include "imapd/pop3/sent_sizes.h"
#include "imapd/service/message_loader.h"
#include "imapd/service/sasl_login.h"
#include "imapd/session/hosted_session.h"

namespace dromos::imapd::pop3 {

class Session final : public HostedSession, private SaslPeer {
 public:
  Session(Worker& worker, std::unique_ptr<net::Stream> stream);

  Task<void> run(bool implicit_tls) override;
  void end() override;
  bool ending() const override { return ending_; }
  SessionInfo info() const override;
  net::Stream& stream() override { return *stream_; }
  TraceId trace() const override { return trace_; }
  AccountId account() const override { return who_.account; }
  bool counted() const override { return counted_; }

 private:
  enum class State : uint8_t { authorization, transaction, closing };

  // session.cpp: the loop, answers, dispatch
  bool open() const { return !broken_ && state_ != State::closing; }
  Task<void> wait_for_input();
  Task<void> take_input();
  void refuse_line(smtp::LineStatus status);
  Task<void> run_line(std::string line);
  Task<void> run_command(Command command);
  std::string_view objection(Verb verb) const;
  Deadline io_deadline() const;
  Deadline store_deadline() const { return Deadline::after(seconds(30)); }
  void ok(std::string_view text);
  /// `code` is an extended response code (RFC 2449 §8) without brackets, or "".
  void err(std::string_view code, std::string_view text);
  void err(const Error& error);
  void count_error();
  Task<void> flush();
  /// flush() if much is pending; for loops that write.
  Task<void> flush_some();

  // login.cpp
  bool may_start_tls() const;
  bool may_send_password() const;
  Task<void> capabilities();
  Task<void> start_tls();
  void user(std::string name);
  Task<void> pass(std::string password);
  Task<void> auth(Command command);
  Task<std::optional<std::string>> ask(std::string challenge) override;
  Task<void> admit(directory::Identity who);
  void refuse(std::string_view mechanism, std::string_view login, const Error& error);
  void language(std::string_view range);

  // listing.cpp
  void tell_count();
  Task<void> stat();
  Task<void> list(Command command);
  Task<void> unique_ids(Command command);
  Task<void> list_all(SentSizes* sizes);
  Task<Result<void>> learn(SentSizes& sizes, const MessageItem& item) const;
  void dele(uint32_t number);

  // retrieve.cpp
  Task<void> retrieve(uint32_t number, std::optional<uint32_t> body_lines);
  Task<Result<void>> send_message(const MessageItem& item, std::optional<uint32_t> body_lines);

  // update.cpp
  Task<void> quit();
  Task<Result<void>> update();

  Worker& worker_;
  std::unique_ptr<net::Stream> stream_;
  smtp::LineSplitter splitter_{kMaxLine};
  std::string out_;
  State state_ = State::authorization;
  directory::Identity who_;
  Maildrop maildrop_;
  std::string user_;       // of USER, until PASS
  size_t unfinished_ = 0;  // octets of the line that is coming in
  uint32_t errors_ = 0;
  uint8_t failed_logins_ = 0;
  bool utf8_ = false;
  bool counted_ = false;
  bool ending_ = false;
  bool broken_ = false;
  bool within_response_ = false;  // the status line of a multi-line response is out
  std::string_view activity_ = "greeting";
  const int64_t since_us_;
  const TraceId trace_;
  Event wake_;
};

}  // namespace dromos::imapd::pop3
