#include "common/rpc/http2_link.h"

#include <event2/event.h>
#include <nghttp2/nghttp2.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "common/base/assert.h"

namespace dromos::rpc {
namespace {

constexpr size_t kScratch = 64 * 1024;
constexpr size_t kKeepOut = 16 * 1024;
/// Of bytes sent and not yet taken, per stream and connection.
constexpr int32_t kWindow = 4 << 20;
constexpr uint32_t kMaxFieldBytes = 32 * 1024;

char* scratch() {
  thread_local const std::unique_ptr<char[]> buffer(new char[kScratch]);
  return buffer.get();
}

uint8_t* bytes_of(const std::string& text) {
  return reinterpret_cast<uint8_t*>(const_cast<char*>(text.data()));  // nghttp2 only reads
}

std::vector<nghttp2_nv> nv_of(const Http2Link::Fields& fields) {
  std::vector<nghttp2_nv> out;
  out.reserve(fields.size());
  for (const auto& [name, value] : fields)
    out.push_back({bytes_of(name), bytes_of(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE});
  return out;
}

ssize_t read_body(nghttp2_session* session, int32_t stream, uint8_t* to, size_t room, uint32_t* flags,
                  nghttp2_data_source* source, void*) {
  auto& body = *static_cast<Http2Body*>(source->ptr);
  const size_t count = std::min(room, body.bytes.size() - body.at);
  std::memcpy(to, body.bytes.data() + body.at, count);
  body.at += count;
  body.waiting = count == 0 && !body.ended;
  if (body.waiting) return NGHTTP2_ERR_DEFERRED;
  if (body.ended && body.sent()) {
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (!body.trailers.empty()) {
      *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
      const auto fields = nv_of(body.trailers);
      if (nghttp2_submit_trailer(session, stream, fields.data(), fields.size()) != 0)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
  }
  return static_cast<ssize_t>(count);
}

nghttp2_data_provider provider_of(Http2Body& body) {
  nghttp2_data_provider provider{};
  provider.source.ptr = &body;
  provider.read_callback = read_body;
  return provider;
}

}  // namespace

void Http2Body::add(std::string_view more) {
  if (sent()) {
    bytes.clear();
    at = 0;
  }
  bytes += more;
}

struct Http2Link::Callbacks {
  static std::string_view view(const uint8_t* bytes, size_t size) {
    return {reinterpret_cast<const char*>(bytes), size};
  }
  static Events& events(void* link) { return static_cast<Http2Link*>(link)->events_; }

  static nghttp2_session_callbacks* table() {
    static nghttp2_session_callbacks* const made = [] {
      nghttp2_session_callbacks* out = nullptr;
      DROMOS_ASSERT(nghttp2_session_callbacks_new(&out) == 0);
      nghttp2_session_callbacks_set_on_begin_headers_callback(out, on_begin);
      nghttp2_session_callbacks_set_on_header_callback(out, on_header);
      nghttp2_session_callbacks_set_on_data_chunk_recv_callback(out, on_chunk);
      nghttp2_session_callbacks_set_on_frame_recv_callback(out, on_frame);
      nghttp2_session_callbacks_set_on_stream_close_callback(out, on_close);
      return out;
    }();
    return made;
  }
  static int on_begin(nghttp2_session*, const nghttp2_frame* frame, void* link) {
    if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
      events(link).on_stream(frame->hd.stream_id);
    return 0;
  }
  static int on_header(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name, size_t name_size,
                       const uint8_t* value, size_t value_size, uint8_t, void* link) {
    events(link).on_field(frame->hd.stream_id, view(name, name_size), view(value, value_size));
    return 0;
  }
  static int on_chunk(nghttp2_session*, uint8_t, int32_t stream, const uint8_t* data, size_t size,
                      void* link) {
    events(link).on_data(stream, view(data, size));
    return 0;
  }
  static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* link) {
    const bool ends = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (ends && (frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS))
      events(link).on_end(frame->hd.stream_id);
    return 0;
  }
  static int on_close(nghttp2_session*, int32_t stream, uint32_t error, void* link) {
    events(link).on_closed(stream, error);
    return 0;
  }
};

Http2Link::Http2Link(int fd, Side side, uint32_t max_streams, Events& events)
    : home_(Reactor::current()), events_(events), fd_(fd) {
  const auto make = side == Side::client ? nghttp2_session_client_new : nghttp2_session_server_new;
  DROMOS_ASSERT(make(&session_, Callbacks::table(), this) == 0);
  std::vector<nghttp2_settings_entry> settings = {
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, static_cast<uint32_t>(kWindow)},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, kMaxFieldBytes}};
  if (side == Side::client)
    settings.push_back({NGHTTP2_SETTINGS_ENABLE_PUSH, 0});
  else
    settings.push_back({NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, max_streams});
  DROMOS_ASSERT(nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size()) == 0);
  DROMOS_ASSERT(nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, kWindow) == 0);
  event_assign(
      &read_, home_.base(), fd_, EV_READ | EV_PERSIST,
      [](evutil_socket_t, short, void* self) { static_cast<Http2Link*>(self)->on_readable(); }, this);
  event_assign(
      &write_, home_.base(), fd_, EV_WRITE,
      [](evutil_socket_t, short, void* self) {
        auto* link = static_cast<Http2Link*>(self);
        link->write_wanted_ = false;
        link->flush();
      },
      this);
  event_add(&read_, nullptr);
}

Http2Link::~Http2Link() {
  DROMOS_ASSERT(!inside_);
  // Once its loop has ended, a reactor knows no events.
  if (Reactor::current_or_null() == &home_) {
    event_del(&read_);
    event_del(&write_);
  }
  nghttp2_session_del(session_);
  ::close(fd_);
}

int32_t Http2Link::request(const Fields& fields, Http2Body& body) {
  if (!takes_requests()) return -1;
  const auto nv = nv_of(fields);
  const nghttp2_data_provider provider = provider_of(body);
  return nghttp2_submit_request(session_, nullptr, nv.data(), nv.size(), &provider, nullptr);
}

void Http2Link::respond(int32_t stream, const Fields& fields, Http2Body* body) {
  if (lost_) return;
  const auto nv = nv_of(fields);
  nghttp2_data_provider provider{};
  if (body != nullptr) provider = provider_of(*body);
  nghttp2_submit_response(session_, stream, nv.data(), nv.size(), body != nullptr ? &provider : nullptr);
}

void Http2Link::resume(int32_t stream, Http2Body& body) {
  if (!lost_ && std::exchange(body.waiting, false)) nghttp2_session_resume_data(session_, stream);
}

void Http2Link::reset(int32_t stream) {
  if (!lost_) nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream, NGHTTP2_CANCEL);
}

void Http2Link::refuse_new() {
  if (!lost_)
    nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(session_),
                          NGHTTP2_NO_ERROR, nullptr, 0);
}

bool Http2Link::takes_requests() const {
  return !lost_ && nghttp2_session_check_request_allowed(session_) != 0;
}

void Http2Link::on_readable() {
  const ssize_t got = ::recv(fd_, scratch(), kScratch, 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) return lost();
  inside_ = true;
  const ssize_t used = nghttp2_session_mem_recv(session_, reinterpret_cast<const uint8_t*>(scratch()),
                                                static_cast<size_t>(got));
  inside_ = false;
  if (used < 0) return lost();
  flush();
}

// False when the connection is gone.
bool Http2Link::send_pending() {
  while (!out_.empty()) {
    const ssize_t put = ::send(fd_, out_.data(), out_.size(), MSG_NOSIGNAL);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0 && (errno == EAGAIN || errno == ENOTCONN)) {
      if (!std::exchange(write_wanted_, true)) event_add(&write_, nullptr);
      return true;
    }
    if (put < 0) return false;
    out_.erase(0, static_cast<size_t>(put));
  }
  if (out_.capacity() > kKeepOut) out_ = std::string();
  return true;
}

void Http2Link::flush() {
  if (inside_ || lost_) return;
  bool alive = true;
  while (alive && !write_wanted_) {
    inside_ = true;
    const uint8_t* data = nullptr;
    ssize_t size = 0;
    while (out_.size() < kScratch && (size = nghttp2_session_mem_send(session_, &data)) > 0)
      out_.append(reinterpret_cast<const char*>(data), static_cast<size_t>(size));
    inside_ = false;
    if (out_.empty()) break;
    alive = size >= 0 && send_pending();
  }
  const bool over = nghttp2_session_want_read(session_) == 0 && nghttp2_session_want_write(session_) == 0;
  if (!alive || over) return lost();
  events_.on_sent();
}

void Http2Link::lost() {
  if (std::exchange(lost_, true)) return;
  event_del(&read_);
  event_del(&write_);
  events_.on_lost();
}

}  // namespace dromos::rpc
