// SmtpClient: the client side of one SMTP connection (RFC 5321), for messages one after the other.
//
// EHLO with HELO as fallback, STARTTLS (RFC 3207), AUTH (RFC 4954), PIPELINING (RFC 2920), SIZE, 8BITMIME
// (RFC 6152), SMTPUTF8 (RFC 6531), DSN (RFC 3461) and CHUNKING with BINARYMIME (RFC 3030) where the server
// offers them; or LMTP (RFC 2033) with a reply for each recipient. BDAT serves where it saves a round trip (a
// small message goes out in one write with its envelope) or the content is binary; else it is DATA.
// Waits as long as RFC 5321 §4.5.3.2 says, no longer.
// Whatever the server does is a verdict, never an error; after a broken reply, a lost connection or a wait
// that ran out the connection is not usable() again.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/async/task.h"
#include "common/mime/seven_bit.h"
#include "common/net/stream.h"
#include "common/smtp/command.h"
#include "common/smtp/reply.h"
#include "mta/outbound/options.h"
#include "mta/outbound/verdict.h"

namespace dromos::smtp {
class DataEncoder;
}

namespace dromos::mta {

struct OutboundRecipient {
  smtp::Mailbox address;
  smtp::Notify notify;
  std::string orcpt_type;
  std::string orcpt;
};

struct OutboundMessage {
  std::optional<smtp::Mailbox> sender;  ///< nothing: <>
  uint64_t size = 0;
  bool smtputf8 = false;  ///< headers or addresses are not ASCII
  bool eight_bit = false;
  bool binary = false;  ///< lines do not end in CR LF or are too long: BINARYMIME or nothing
  std::string ret;      ///< "full", "hdrs" or ""
  std::string envid;    ///< decoded
  std::vector<OutboundRecipient> recipients;
  /// Hands the raw bytes over in pieces. An error ends the connection in the middle of DATA.
  std::function<Task<Result<void>>(std::function<Task<Result<void>>(std::string_view)>)> body;
  /// The content for a server without 8BITMIME; empty: what is eight_bit is refused there (RFC 6152 §3).
  std::function<Task<Result<mime::SevenBit>>()> seven_bit;
  /// All but the final dot has been sent: false or an error gives the transaction up, unsent.
  std::function<Task<Result<bool>>()> before_dot;
};

/// Told when a connection's stream begins (true) and ends (false), so that its owner can cancel it.
using StreamWatch = std::function<void(net::Stream&, bool)>;

/// RFC 5321 §4.5.3.2; tests shorten them.
struct SmtpTimeouts {
  milliseconds greeting{std::chrono::minutes(5)};
  milliseconds command{std::chrono::minutes(5)};  ///< EHLO, MAIL, RCPT
  milliseconds data{std::chrono::minutes(2)};     ///< the 354
  milliseconds block{std::chrono::minutes(3)};    ///< one write of content
  milliseconds final_dot{std::chrono::minutes(10)};
  milliseconds quit{seconds(5)};
};

struct SmtpClientOptions {
  std::string hostname;  ///< ours, in EHLO
  std::string remote_name;
  TlsPolicy tls = TlsPolicy::opportunistic;
  std::shared_ptr<const net::TlsClient> tls_client;  ///< that verifies, for TlsPolicy::verified
  SmtpTimeouts timeouts;
  bool lmtp = false;
  std::shared_ptr<const Credentials> credentials;  ///< to log in with; none: do not
};

class SmtpClient {
 public:
  struct Failure {
    SendVerdict verdict;
    bool tls_failed = false;  ///< the handshake: a plain connection may do
  };
  using MaybeFailure = std::optional<Failure>;
  using Opened = std::variant<std::unique_ptr<SmtpClient>, Failure>;

  /// Messages up to this size are sent with their envelope in one write, by BDAT.
  static constexpr uint64_t kAtOnce = 64 * 1024;
  static constexpr size_t kChunk = 256 * 1024;

  /// Greeting, EHLO, STARTTLS as the policy says, AUTH. `watch` may be empty.
  static Task<Opened> open(std::unique_ptr<net::Stream> stream, SmtpClientOptions options,
                           StreamWatch watch = {});
  ~SmtpClient();

  /// "mx.example.test [192.0.2.1]:25", or a socket's path.
  static std::string shown(const std::string& name, const net::Address& address);

  /// One transaction; a verdict for each recipient, in order. Fate::again means not tried.
  Task<std::vector<SendVerdict>> send(const OutboundMessage& message);
  /// Another transaction may be sent on this connection.
  bool usable() const { return usable_; }
  /// Messages sent or tried so far.
  size_t transactions() const { return transactions_; }
  Task<void> quit();

  const smtp::Capabilities& capabilities() const { return capabilities_; }
  bool is_tls() const { return stream_->is_tls(); }
  net::TlsInfo tls_info() const { return stream_->tls_info(); }

 private:
  SmtpClient(std::unique_ptr<net::Stream> stream, SmtpClientOptions options, StreamWatch watch);
  Task<MaybeFailure> greet();
  Task<MaybeFailure> hello();
  Task<MaybeFailure> start_tls();
  Task<Result<smtp::Reply>> read_reply(milliseconds wait);
  Task<Result<smtp::Reply>> command(std::string line, milliseconds wait);
  Task<MaybeFailure> shake_hands();
  Task<MaybeFailure> log_in();
  /// Nothing: the server does not know the mechanism after all.
  Task<std::optional<MaybeFailure>> log_in_by(std::string mechanism);

  /// A transaction under way (smtp_transaction.cpp, smtp_content.cpp).
  struct Sending {
    const OutboundMessage& message;
    std::vector<SendVerdict> verdicts;
    std::vector<size_t> asked;        ///< recipients that are named to the server
    std::vector<size_t> taken;        ///< of them, those it accepted
    std::optional<std::string> held;  ///< the content, where it had to be read before
    bool eight_bit = false;
    bool ended = false;    ///< the server has said what became of the content
    bool by_data = false;  ///< it said that it does not know BDAT after all
    void decide(const SendVerdict& verdict);
  };
  Task<void> prepare(Sending& sending);
  Task<bool> envelope(Sending& sending, std::string tail, Stage lost);
  Task<bool> recipients(Sending& sending, bool mail_ok, Stage lost);
  Task<void> by_data(Sending& sending);
  Task<void> by_one_chunk(Sending& sending);
  Task<void> by_chunks(Sending& sending);
  Task<Result<void>> chunk(std::string bytes, bool last, std::optional<smtp::Reply>& refusal);
  Task<Result<void>> lease_held(const OutboundMessage& message);
  Task<Result<void>> read_body(Sending& sending,
                               std::function<Task<Result<void>>(std::string_view)> on_piece);
  Task<Result<void>> send_content(Sending& sending, bool& ours);
  Task<Result<void>> write_piece(smtp::DataEncoder& encoder, std::string_view piece, milliseconds wait);
  Task<void> finish_data(Sending& sending);
  Task<void> content_failed(Sending& sending, Error error, bool ours);
  Task<void> final_replies(Sending& sending);
  void final_reply(SendVerdict& verdict, const smtp::Reply& reply) const;
  std::optional<SendVerdict> refuse_here(const OutboundMessage& message) const;
  bool sends_at_once(const Sending& sending) const;
  std::string mail_line(const Sending& sending) const;
  std::string rcpt_line(const OutboundRecipient& recipient) const;
  static bool usable_after(const smtp::Reply& reply);
  SendVerdict stamped(SendVerdict verdict) const;
  SendVerdict broken(Stage stage, const Error& error);

  std::unique_ptr<net::Stream> stream_;
  SmtpClientOptions options_;
  StreamWatch watch_;
  smtp::ReplyParser parser_;
  smtp::Capabilities capabilities_;
  std::string remote_;
  size_t transactions_ = 0;
  bool usable_ = false;
  bool content_lost_ = false;
  bool no_bdat_ = false;
};

}  // namespace dromos::mta
