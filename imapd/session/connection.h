// Connection: reads commands off one socket and runs them in order, until LOGOUT, error, time limit or drain.
#pragma once

#include <memory>

#include "imapd/commands/context.h"
#include "imapd/session/hosted_session.h"

namespace dromos::imapd {

class Connection final : public HostedSession {
 public:
  Connection(Worker& worker, std::unique_ptr<net::Stream> stream)
      : stream_(std::move(stream)), context_(worker, *stream_) {}

  Task<void> run(bool implicit_tls) override;
  void end() override { context_.end(); }
  bool ending() const override { return context_.ending; }
  SessionInfo info() const override;
  net::Stream& stream() override { return *stream_; }
  TraceId trace() const override { return context_.trace; }
  AccountId account() const override { return context_.account(); }
  bool counted() const override { return context_.counted; }

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
