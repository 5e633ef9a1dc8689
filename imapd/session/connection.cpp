#include "imapd/session/connection.h"

#include "common/log/log.h"
#include "imapd/commands/append.h"
#include "imapd/commands/handlers.h"
#include "imapd/commands/notify.h"
#include "imapd/protocol/parser.h"
#include "imapd/session/dispatch.h"

namespace dromos::imapd {

using Step = CommandReader::Step;

Task<void> Connection::run(bool implicit_tls) {
  if (implicit_tls) {
    const auto tls = context_.worker.options.tls();
    if (!tls) co_return;
    const auto secured = co_await stream_->start_tls_server(tls, Deadline::after(seconds(30)));
    if (!secured) co_return;
  }
  context_.out.untagged_status(Status::ok, "CAPABILITY " + capabilities(context_), "Dromos ready");
  context_.activity = "waiting";
  bool open = co_await context_.flush();
  while (open && context_.state != State::logout && !context_.broken) {
    if (context_.ending) {
      say_bye();
      break;
    }
    open = stream_->buffered().empty() ? co_await wait_for_input() : co_await take_input();
  }
  (void)co_await context_.flush();
}

SessionInfo Connection::info() const {
  SessionInfo info;
  info.id = to_text(context_.trace);
  info.account = context_.account();
  info.login = context_.who.login;
  info.remote = stream_->peer().to_string();
  info.protocol = "imap";
  info.tls = stream_->is_tls();
  info.state = std::string(context_.activity);
  if (context_.selected) info.state += " in " + context_.selected->name;
  info.since_us = context_.since_us;
  return info;
}

void Connection::say_bye() {
  const bool deleted = context_.selected && context_.selected->mailbox->gone();
  context_.out.untagged_status(Status::bye, deleted ? std::string_view() : code::kUnavailable,
                               deleted ? "The selected mailbox was deleted" : "This server ends the session");
}

Task<bool> Connection::wait_for_input() {
  context_.wake.reset();
  if (context_.notify && context_.reader.idle()) co_await tell_news(context_, Expunges::tell, true);
  // All that could be answered has been: now the answers go out, in one write.
  const bool sent = co_await context_.flush();
  if (!sent) co_return false;
  if (context_.reader.idle()) {
    context_.reader.release();
    context_.out.release();
  }
  const Deadline deadline = context_.io_deadline();
  const Wake wake = co_await stream_->wait_readable(deadline, &context_.wake);
  if (wake == Wake::timeout) {
    context_.out.untagged_status(Status::bye, "", "Idle for too long");
    co_return false;
  }
  if (wake == Wake::cancelled) {
    context_.broken = true;
    co_return false;
  }
  if (context_.ending || context_.wake.is_set()) co_return true;
  const auto got = co_await stream_->fill(deadline);
  co_return got && *got > 0;
}

Task<bool> Connection::take_input() {
  std::string_view bytes = stream_->buffered();
  const size_t before = bytes.size();
  const Step step = context_.reader.next(bytes);
  const size_t used = before - bytes.size();
  if (step == Step::chunk) {
    take_append_chunk(context_, context_.reader.chunk());  // a view into the stream's buffer
    stream_->consume(used);
    co_return true;
  }
  stream_->consume(used);
  if (step == Step::need_more) co_return true;
  co_return co_await act(step);
}

Task<bool> Connection::act(Step step) {
  CommandReader& reader = context_.reader;
  switch (step) {
    case Step::literal:
      if (reader.head().message_data) {
        co_await begin_append_literal(context_);
        // A client that waits for "+" sends nothing more: the refusal is told without further input.
        if (context_.append->refusal) co_return co_await take_input();
      } else {
        reader.accept();
      }
      if (reader.head().synchronising) {
        context_.out.continuation();
        co_return co_await context_.flush();
      }
      break;
    case Step::command:
      co_await run_command(reader.take_command());
      break;
    case Step::refused: {
      const Reply reply = context_.append && context_.append->refusal ? *context_.append->refusal
                                                                      : bad("The literal is too large");
      context_.out.response(reader.tag(), reply.status, reply.code, reply.text);
      context_.append.reset();
      break;
    }
    case Step::bad:
      context_.out.response(reader.tag(), Status::bad, "", reader.reason());
      context_.append.reset();
      break;
    case Step::fatal:
      context_.out.untagged_status(Status::bye, "", reader.reason());
      co_return false;
    default:
      break;
  }
  co_return co_await context_.flush_some();
}

Task<void> Connection::run_command(RawCommand raw) {
  auto command = parse_command(raw);
  raw = RawCommand();
  if (command) {
    co_await dispatch(context_, std::move(*command));
  } else {
    context_.out.response(command.error().tag, Status::bad, "", command.error().reason);
  }
  context_.append.reset();
}

}  // namespace dromos::imapd
