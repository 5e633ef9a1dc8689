// Connection: reads commands off one socket and runs them in order, until LOGOUT, error, time limit or drain.
#pragma once

#include <memory>

#include "imapd/commands/context.h"

namespace dromos::imapd {

class Connection {
 public:
  Connection(Worker& worker, std::unique_ptr<net::Stream> stream)
      : stream_(std::move(stream)), context_(worker, *stream_) {}

  /// The whole life of the session. `implicit_tls`: the handshake comes first.
  Task<void> run(bool implicit_tls);
  Context& context() { return context_; }
  net::Stream& stream() { return *stream_; }

 private:
  Task<bool> wait_for_input();
  Task<bool> take_input();
  Task<bool> act(CommandReader::Step step);
  Task<void> run_command(RawCommand raw);
  void say_bye();

  std::unique_ptr<net::Stream> stream_;
  Context context_;
};

}  // namespace dromos::imapd
