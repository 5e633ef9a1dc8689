// SmtpClient: the client side of one SMTP connection (RFC 5321), for messages one after the other.
//
// EHLO with HELO as fallback, STARTTLS (RFC 3207), PIPELINING (RFC 2920), 8BITMIME, SIZE, SMTPUTF8 (RFC 6531)
// and DSN (RFC 3461) where the server offers them. Waits as long as RFC 5321 §4.5.3.2 says, no longer.
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
  std::string ret;    ///< "full", "hdrs" or ""
  std::string envid;  ///< decoded
  std::vector<OutboundRecipient> recipients;
  /// Hands the raw bytes over in pieces. An error ends the connection in the middle of DATA.
  std::function<Task<Result<void>>(std::function<Task<Result<void>>(std::string_view)>)> body;
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
};

class SmtpClient {
 public:
  struct Failure {
    SendVerdict verdict;
    bool tls_failed = false;  ///< the handshake: a plain connection may do
  };
  using Opened = std::variant<std::unique_ptr<SmtpClient>, Failure>;

  /// Greeting, EHLO, STARTTLS as the policy says. `watch` may be empty.
  static Task<Opened> open(std::unique_ptr<net::Stream> stream, SmtpClientOptions options,
                           StreamWatch watch = {});
  ~SmtpClient();

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
  Task<std::optional<Failure>> greet();
  Task<std::optional<Failure>> hello();
  Task<std::optional<Failure>> start_tls();
  Task<Result<smtp::Reply>> read_reply(milliseconds wait);
  Task<Result<smtp::Reply>> command(std::string line, milliseconds wait);
  Task<Result<void>> send_content(const OutboundMessage& message, bool& ours);
  Task<Result<void>> write_piece(smtp::DataEncoder& encoder, std::string_view piece, milliseconds wait);
  Task<void> finish_data(const OutboundMessage& message, std::vector<SendVerdict>& verdicts);
  Task<void> envelope(const OutboundMessage& message, std::vector<SendVerdict>& verdicts, bool& go_on);
  std::optional<SendVerdict> refuse_here(const OutboundMessage& message) const;
  std::string mail_line(const OutboundMessage& message) const;
  std::string rcpt_line(const OutboundRecipient& recipient) const;
  static bool usable_after(const smtp::Reply& reply);
  SendVerdict stamped(SendVerdict verdict) const;
  SendVerdict broken(Stage stage, const Error& error);
  void fill_undecided(std::vector<SendVerdict>& verdicts, const SendVerdict& verdict) const;

  std::unique_ptr<net::Stream> stream_;
  SmtpClientOptions options_;
  StreamWatch watch_;
  smtp::ReplyParser parser_;
  smtp::Capabilities capabilities_;
  std::string remote_;
  size_t transactions_ = 0;
  bool usable_ = false;
  bool content_lost_ = false;
};

}  // namespace dromos::mta
