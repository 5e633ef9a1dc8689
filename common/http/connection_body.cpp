// Bodies of a Connection, both ways.
#include <algorithm>

#include "common/async/task_group.h"
#include "common/http/connection.h"

namespace dromos::http {
namespace {

using Kind = ParseEvent::Kind;

constexpr size_t kSlice = 64 * 1024;
constexpr size_t kJoinBytes = 4096;  // pieces below are copied behind their chunk head

/// Tells an endless source when its client leaves; ends when `over` is set.
Task<void> watch(net::Stream& stream, BodySource& source, Event& over) {
  constexpr size_t kMaxPipelined = 16 * 1024;
  while (!over.is_set() && stream.buffered().size() < kMaxPipelined) {
    const Wake wake = co_await stream.wait_readable(Deadline::never(), &over);
    if (over.is_set()) co_return;
    if (wake == Wake::ready) {
      const Result<size_t> got = co_await stream.fill(Deadline::after(milliseconds(1000)));
      if (got && *got > 0) continue;
      if (!got && got.error().is(Errc::timeout)) continue;
    }
    source.stop();
    co_return;
  }
}

}  // namespace

void Connection::begin_body() {
  body_done_ = false;
  continue_due_ = parser_.head().expect_continue;
  held_ = 0;
  body_received_ = 0;
  body_status_ = 0;
}

Deadline Connection::body_deadline() const {
  const ServerOptions& options = server_.options_;
  const auto earned =
      milliseconds(body_received_ * 1000 / std::max<uint64_t>(options.body_bytes_per_second, 1));
  return Deadline::after(options.body_grace).earlier(Deadline::at(started_ + options.body_grace + earned));
}

Unexpected Connection::body_failed(int status, const char* text) {
  body_status_ = status;
  error_ = text;
  return fail(status == 413 ? Errc::limit_exceeded : Errc::invalid_argument, text);
}

Task<Result<std::string_view>> Connection::read() {
  stream_->consume(held_);
  held_ = 0;
  if (body_status_ != 0) co_return fail(Errc::closed, "the body could not be read");
  if (body_done_) co_return std::string_view{};
  while (true) {
    const ParseEvent event = parser_.feed(stream_->buffered());
    if (event.kind == Kind::body) {
      held_ = event.consumed;
      body_received_ += event.data.size();
      co_return event.data;
    }
    stream_->consume(event.consumed);
    if (event.kind == Kind::end) {
      body_done_ = true;
      continue_due_ = false;
      co_return std::string_view{};
    }
    if (event.kind == Kind::error) co_return body_failed(parser_.error().status, parser_.error().text);
    if (continue_due_) {
      continue_due_ = false;
      stream_->write("HTTP/1.1 100 Continue\r\n\r\n");
      const Result<void> sent = co_await stream_->flush(body_deadline());
      if (!sent) co_return body_failed(400, "connection lost");
    }
    const Result<size_t> got = co_await stream_->fill(body_deadline());
    if (!got && got.error().is(Errc::timeout)) co_return body_failed(408, "the body came too slowly");
    if (!got || *got == 0) co_return body_failed(400, "the body is incomplete");
  }
}

Task<Result<std::string>> Connection::read_all() {
  std::string out;
  while (true) {
    const Result<std::string_view> piece = co_await read();
    if (!piece) co_return fail(piece.error());
    if (piece->empty()) co_return out;
    if (server_.body_bytes_ + piece->size() > server_.options_.max_body_bytes)
      co_return body_failed(503, "too many bodies in memory");
    server_.body_bytes_ += piece->size();
    charged_ += piece->size();
    out += *piece;
  }
}

/// What has arrived already costs nothing to read past.
void Connection::drop_buffered_body() {
  stream_->consume(held_);
  held_ = 0;
  while (!body_done_ && body_status_ == 0) {
    const ParseEvent event = parser_.feed(stream_->buffered());
    stream_->consume(event.consumed);
    if (event.kind == Kind::end) body_done_ = true;
    if (event.kind == Kind::error) body_status_ = parser_.error().status;
    if (event.kind == Kind::need_more) return;
  }
}

Task<bool> Connection::send_bytes(std::string_view bytes) {
  const milliseconds time = server_.options_.write_time;
  if (bytes.size() <= kJoinBytes) {
    stream_->write(bytes);
    bytes = {};
  }
  const Result<void> flushed = co_await stream_->flush(Deadline::after(time));
  if (!flushed) co_return false;
  while (!bytes.empty()) {
    const std::string_view slice = bytes.substr(0, kSlice);
    const Result<void> sent = co_await stream_->write_all(slice, Deadline::after(time));
    if (!sent) co_return false;
    bytes.remove_prefix(slice.size());
  }
  co_return true;
}

Task<bool> Connection::send_source(BodySource& source, const ResponseFrame& frame) {
  Event over;
  TaskGroup watchers;
  source_ = &source;
  if (source.endless()) {
    if (server_.draining_) source.stop();
    watchers.spawn(watch(*stream_, source, over));
  }
  bool sent = false;
  try {
    sent = co_await send_pieces(source, frame);
  } catch (const std::exception& error) {
    error_ = error.what();
  }
  source_ = nullptr;
  over.set();
  co_await watchers.join();
  co_return sent;
}

Task<bool> Connection::send_pieces(BodySource& source, const ResponseFrame& frame) {
  bool good =
      co_await send_bytes({});  // the head at once: an endless stream may have nothing to say for long
  uint64_t count = 0;
  while (good) {
    const Result<std::string_view> piece = co_await source.next();
    if (!piece) {
      error_ = piece.error().to_string();
      co_return false;
    }
    if (piece->empty()) break;
    count += piece->size();
    if (frame.size && count > *frame.size) break;
    if (frame.chunked) write_chunk_head(stream_->out(), piece->size());
    if (frame.chunked && piece->size() <= kJoinBytes) {
      stream_->out().append(*piece).append("\r\n");
      good = co_await send_bytes({});
    } else {
      good = co_await send_bytes(*piece);
      if (frame.chunked) stream_->write("\r\n");
    }
  }
  if (!good) co_return false;
  if (frame.size && count != *frame.size) {
    error_ = "body source broke its promise of size";
    co_return false;
  }
  good = co_await send_bytes(frame.chunked ? kLastChunk : std::string_view{});
  co_return good;
}

}  // namespace dromos::http
