// Session: one SMTP or LMTP connection, from greeting to close (RFC 5321, RFC 2033, RFC 3207, RFC 4954,
// RFC 2920, RFC 3030). It reads lines and content, keeps the state, and hands each command to its file in
// mta/commands.
//
// Replies gather while commands are in the buffer and go out before the session waits (PIPELINING). Every
// wait has a deadline: one for a whole line, one for content that moves on as bytes come, one for output. A
// client that errs too often, sends HTTP, or stops reading is closed. `drain` ends the session with 421 at
// the next point where no content is under way. Belongs to one reactor.
#pragma once

#include <optional>
#include <string>

#include "common/config/config.h"
#include "common/log/log.h"
#include "common/net/stream.h"
#include "common/smtp/data_decoder.h"
#include "common/smtp/line_splitter.h"
#include "mta/service/backend.h"

namespace dromos::mta {

struct SessionSettings {
  Kind kind = Kind::mx;
  bool implicit_tls = false;
  bool announce_plus = true;
  std::string hostname;
  config::MtaLimits limits;
};

struct Transaction {
  TraceId trace;
  std::optional<smtp::MailFrom> mail;
  std::vector<AcceptedRecipient> recipients;
  std::shared_ptr<Spool> content;
  /// Set while a message comes in chunks.
  std::optional<smtp::BdatDecoder> bdat;
  /// A chunk was refused: what follows is eaten until RSET.
  bool bdat_failed = false;
};

class Session {
 public:
  Session(net::Stream& stream, Backend& backend, const SessionSettings& settings, Event& drain);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  Task<void> run();

  // For commands.
  net::Stream& stream() { return stream_; }
  Backend& backend() { return backend_; }
  const SessionSettings& settings() const { return settings_; }
  bool is_lmtp() const { return settings_.kind == Kind::lmtp; }

  void reply(const smtp::Reply& reply);
  void reply(int code, smtp::EnhancedCode enhanced, std::string text) {
    reply(smtp::Reply(code, enhanced, std::move(text)));
  }
  /// Counts towards the limit of errors.
  void refuse(const smtp::Reply& reply);
  void refuse(int code, smtp::EnhancedCode enhanced, std::string text) {
    refuse(smtp::Reply(code, enhanced, std::move(text)));
  }
  /// The last reply; nothing is read any more.
  void close_with(const smtp::Reply& reply);
  /// Sends what is pending; false (and the session ends) if the client is gone or does not read.
  Task<bool> flush();
  /// The next line without CR LF; nothing: the session is over. Faulty lines are answered here.
  Task<std::optional<std::string>> next_line();
  /// Runs DATA content through `decoder` into the transaction's spool; false: the session is over.
  Task<bool> read_data(smtp::DataDecoder& decoder);
  Task<bool> read_chunk(smtp::BdatDecoder& decoder, bool keep);
  /// Content is complete: judges, stores, replies, and ends the transaction.
  Task<void> finish_message(const smtp::ContentFaults& faults);
  /// Plain text that came before STARTTLS' handshake is dropped, and all that was known of the client.
  Task<void> upgrade_tls();

  void reset_transaction();
  /// Puts a refusal into the lossy trace.
  void note_refusal(std::string_view event, const smtp::Reply& reply, std::string recipient = {});
  log::Context& log() { return log_; }

  // State that commands read and write.
  Peer peer;
  bool greeted = false;
  std::optional<directory::Identity> user;
  Transaction transaction;
  uint32_t unknown_recipients = 0;

 private:
  Task<bool> open();
  Task<void> dispatch(std::string line);
  Task<bool> wait_for_input(Deadline deadline);
  Task<bool> fill_content(uint64_t received, Deadline::TimePoint begun);
  void line_fault(smtp::LineStatus status);
  void take_tls_info();

  net::Stream& stream_;
  Backend& backend_;
  const SessionSettings settings_;
  Event& drain_;
  smtp::LineSplitter splitter_;
  log::Context log_;
  TraceId connection_;
  bool open_ = true;
  bool replied_to_message_ = false;
  uint32_t errors_ = 0;
  uint32_t messages_ = 0;
  int last_code_ = 0;
};

}  // namespace dromos::mta
