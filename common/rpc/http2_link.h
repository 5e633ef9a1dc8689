// Http2Link: an HTTP/2 connection (RFC 9113, by nghttp2) over a Unix socket, driven by the reactor's events.
//
// Reads as bytes come and writes in the call that has something to say, so a small call costs either side one
// read and one write and no other thread. Belongs to the reactor it was made on; its owner is told of what
// comes by `Events`, from inside nghttp2: there, submitting is allowed, destroying the link is not.
#pragma once

#include <event2/event_struct.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/async/reactor.h"

struct nghttp2_session;
struct nghttp2_session_callbacks;

namespace dromos::rpc {

/// What one side says on a stream: bytes, added until ended. Must outlive the stream, or be emptied with it.
struct Http2Body {
  std::string bytes;
  size_t at = 0;
  bool ended = false;
  bool waiting = false;  ///< nghttp2 has asked and there was nothing: resume() before flush()
  /// Sent behind the last byte; without any, the last DATA frame ends the stream.
  std::vector<std::pair<std::string, std::string>> trailers;

  void add(std::string_view more);
  bool sent() const { return at == bytes.size(); }
};

class Http2Link {
 public:
  class Events {
   public:
    virtual ~Events() = default;
    virtual void on_stream(int32_t stream) {}
    virtual void on_field(int32_t stream, std::string_view name, std::string_view value) = 0;
    virtual void on_data(int32_t stream, std::string_view bytes) = 0;
    /// The peer has said all it will.
    virtual void on_end(int32_t stream) = 0;
    /// Of this stream nothing will be heard again.
    virtual void on_closed(int32_t stream, uint32_t error) = 0;
    /// Everything that gathered in bodies may have gone out.
    virtual void on_sent() {}
    /// The connection is gone; on_closed does not come for its streams. The link may be destroyed here.
    virtual void on_lost() = 0;
  };
  enum class Side { client, server };
  using Fields = std::vector<std::pair<std::string, std::string>>;

  /// Takes a connected or connecting, non-blocking descriptor.
  Http2Link(int fd, Side side, uint32_t max_streams, Events& events);
  ~Http2Link();
  Http2Link(const Http2Link&) = delete;
  Http2Link& operator=(const Http2Link&) = delete;

  /// A client's new stream, or -1 when the connection takes no more.
  int32_t request(const Fields& fields, Http2Body& body);
  /// A server's answer; `body` null: the fields are all there is.
  void respond(int32_t stream, const Fields& fields, Http2Body* body);
  /// After bytes, end or trailers were added to a body.
  void resume(int32_t stream, Http2Body& body);
  void reset(int32_t stream);
  /// No new streams, says a server that will end.
  void refuse_new();
  bool takes_requests() const;
  /// Sends what is there to be sent.
  void flush();

 private:
  struct Callbacks;
  void on_readable();
  void lost();
  bool send_pending();

  Reactor& home_;
  Events& events_;
  int fd_;
  nghttp2_session* session_ = nullptr;
  event read_{};
  event write_{};
  bool write_wanted_ = false;
  bool inside_ = false;  // of nghttp2
  bool lost_ = false;
  std::string out_;
};

}  // namespace dromos::rpc
