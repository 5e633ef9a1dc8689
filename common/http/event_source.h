// Server-sent events (WHATWG HTML §9.2): an endless BodySource fed by publish().
//
// Bounded: a client that does not keep up is cut (it reconnects and catches up by state). Pings are sent
// while nothing happens. One reactor only.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>

#include "common/async/sync.h"
#include "common/http/message.h"

namespace dromos::http {

struct ServerEvent {
  std::string event;  // may be empty: "message"
  std::string data;   // may hold line breaks
  std::string id;     // may be empty
};

/// The wire form, ending in an empty line. CR, LF and NUL in event and id are dropped.
std::string encode_event(const ServerEvent& event);

class EventSource : public std::enable_shared_from_this<EventSource> {
 public:
  /// ping 0: none. `ping_event` is what a ping looks like; by default a comment line.
  static std::shared_ptr<EventSource> create(milliseconds ping, size_t max_pending_bytes = 256 * 1024);

  /// False if the stream is over (the client left, fell behind, or it was closed).
  bool publish(const ServerEvent& event);
  /// Lets the client have what is pending, then ends the stream.
  void close();
  bool closed() const { return closed_; }
  /// Called whenever a ping is due, in place of the comment line (JMAP sends {"interval": n} as an event).
  void set_ping_event(ServerEvent event) { ping_text_ = encode_event(event); }
  /// The 200 answer that carries this stream; once only.
  Response response();

 private:
  class Source;
  EventSource(milliseconds ping, size_t max_pending) : ping_(ping), max_pending_(max_pending) {}
  Task<Result<std::string_view>> next();

  milliseconds ping_;
  size_t max_pending_;
  std::string ping_text_ = ": ping\n\n";
  std::string pending_, sending_;
  bool closed_ = false;
  bool overrun_ = false;
  Event changed_;
};

}  // namespace dromos::http
