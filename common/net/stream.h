// Stream: one connected socket, plain or TLS, compressed if asked, read and written by one coroutine at a
// time each way.
//
// Raw non-blocking descriptor and a hand-driven SSL. Input gathers in a buffer that parsers look at through
// buffered()/consume() and that holds no memory while empty; output gathers until flush(). All waits take a
// deadline and end at once when cancel() is called (from the same reactor). Errors: Errc::closed (peer gone),
// Errc::timeout, Errc::cancelled; after any of them the stream is only good for destruction.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/async/sync.h"
#include "common/async/task.h"
#include "common/net/address.h"
#include "common/net/deflate.h"
#include "common/net/tls.h"

namespace dromos::net {

struct TlsInfo {
  std::string protocol;  ///< "TLSv1.3"
  std::string cipher;
  int bits = 0;
  std::string sni;
  std::string alpn;
  bool resumed = false;
  /// Subject common name and e-mail of a verified client certificate; empty if none.
  std::string client_name;
  std::string client_email;
};

class Stream {
 public:
  /// Takes the descriptor and makes it non-blocking.
  explicit Stream(int fd, Address peer = {});
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  /// Two connected streams in one process, for tests.
  static std::pair<std::unique_ptr<Stream>, std::unique_ptr<Stream>> memory_pair();

  // Input.
  std::string_view buffered() const { return std::string_view(in_).substr(in_at_); }
  void consume(size_t count);
  /// Reads what there is (at least a byte, or 0 at the end of input) behind the buffered bytes.
  Task<Result<size_t>> fill(Deadline deadline);
  /// One non-blocking attempt: bytes added, 0 if none are there now or the stream has ended (the next fill()
  /// says which).
  size_t try_fill();
  /// Waits until input may be there, without buffers; also returns ready when `also` is set or (but for
  /// compressed streams) pulsed.
  Task<Wake> wait_readable(Deadline deadline, Event* also = nullptr);
  /// A line without its CRLF (a bare LF ends one too if `bare_lf`). Longer than `limit`:
  /// Errc::limit_exceeded.
  Task<Result<std::string>> read_line(size_t limit, Deadline deadline, bool bare_lf = true);
  /// Exactly `count` bytes.
  Task<Result<std::string>> read_exactly(size_t count, Deadline deadline);

  // Output.
  std::string& out() { return out_; }
  void write(std::string_view bytes) { out_ += bytes; }
  Task<Result<void>> flush(Deadline deadline);
  /// Writes `bytes` after what is pending, without copying them all.
  Task<Result<void>> write_all(std::string_view bytes, Deadline deadline);

  // TLS.
  /// Drops plaintext that was buffered before the handshake (RFC 3207 §6: injection).
  Task<Result<void>> start_tls_server(std::shared_ptr<const TlsServer> tls, Deadline deadline);
  /// `host` is sent as SNI and, if the client verifies, checked against the certificate.
  Task<Result<void>> start_tls_client(std::shared_ptr<const TlsClient> tls, std::string host,
                                      Deadline deadline);
  bool is_tls() const { return ssl_ != nullptr; }
  TlsInfo tls_info() const;
  /// RFC 5929 §4; empty without TLS.
  std::string channel_binding_server_end_point() const;
  /// RFC 9266; empty without TLS 1.3.
  std::string channel_binding_exporter() const;
  /// DER of the peer's certificate; empty if none.
  std::string peer_certificate() const;

  // Compression (raw DEFLATE, between the protocol and TLS).
  /// Sends what is pending as it is; all that follows is compressed, both ways.
  Task<Result<void>> start_compression(Deadline deadline);
  /// Sends what is pending as the end of the compressed layer, and takes what follows in the input as it is.
  Task<Result<void>> stop_compression(Deadline deadline);
  bool is_compressed() const { return deflate_ != nullptr; }
  /// Nothing of the input read so far waits to be parsed.
  bool input_empty();

  /// Sends close_notify if it can do so at once, and closes the descriptor.
  void close();
  bool is_open() const { return fd_ >= 0; }
  /// Ends all waits on this stream with Errc::cancelled, now and later.
  void cancel() { cancel_.cancel(); }
  CancelToken token() { return cancel_.token(); }
  int fd() const { return fd_; }
  const Address& peer() const { return peer_; }
  void set_peer(Address peer) { peer_ = peer; }
  Address local() const;
  uint64_t bytes_in() const { return bytes_in_; }
  uint64_t bytes_out() const { return bytes_out_; }

 private:
  enum class Step { done, want_read, want_write, closed, failed };
  Step try_read(char* data, size_t size, size_t& got);
  Step try_write(const char* data, size_t size, size_t& put);
  Step tls_step(int result);
  void append_input(const char* data, size_t size);
  Task<Result<void>> handshake(Deadline deadline);
  Task<Result<void>> wait(Step step, Deadline deadline);
  Task<Result<void>> send(std::string_view bytes, Deadline deadline);
  Task<Result<void>> send_wire(std::string_view bytes, Deadline deadline);
  Task<Wake> wait_fd(Deadline deadline, Event* also);
  Task<Wake> wait_unpacked(Deadline deadline, Event* also);
  Task<Result<size_t>> fill_unpacked(Deadline deadline);
  Step read_packed();
  Result<size_t> unpack();
  Error broken(std::string_view doing) const;

  int fd_;
  ssl_st* ssl_ = nullptr;
  std::shared_ptr<const void> tls_owner_;  // keeps the SSL_CTX's owner alive
  Address peer_;
  std::string in_;
  size_t in_at_ = 0;
  std::string out_;
  uint64_t bytes_in_ = 0;
  uint64_t bytes_out_ = 0;
  std::string failure_;
  std::unique_ptr<Deflate> deflate_;
  size_t unpacked_ahead_ = 0;  // by wait_readable, for the next fill()
  CancelSource cancel_;
};

}  // namespace dromos::net
