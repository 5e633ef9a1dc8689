#include "common/http/event_source.h"

namespace dromos::http {
namespace {

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out += name;
  out += ": ";
  for (const char c : value)
    if (c != '\r' && c != '\n' && c != 0) out += c;
  out += '\n';
}

}  // namespace

std::string encode_event(const ServerEvent& event) {
  std::string out;
  if (!event.event.empty()) append_field(out, "event", event.event);
  if (!event.id.empty()) append_field(out, "id", event.id);
  std::string_view data = event.data;
  // CR, LF and CRLF all end a line for the reader, so each begins a new data field.
  while (true) {
    const size_t end = data.find_first_of("\r\n");
    append_field(out, "data", data.substr(0, end));
    if (end == std::string_view::npos) break;
    data.remove_prefix(data.substr(end, 2) == "\r\n" ? end + 2 : end + 1);
  }
  out += '\n';
  return out;
}

class EventSource::Source : public BodySource {
 public:
  explicit Source(std::shared_ptr<EventSource> owner) : owner_(std::move(owner)) {}
  ~Source() override { owner_->close(); }
  Task<Result<std::string_view>> next() override { return owner_->next(); }
  bool endless() const override { return true; }
  void stop() override { owner_->close(); }

 private:
  std::shared_ptr<EventSource> owner_;
};

std::shared_ptr<EventSource> EventSource::create(milliseconds ping, size_t max_pending_bytes) {
  return std::shared_ptr<EventSource>(new EventSource(ping, max_pending_bytes));
}

Response EventSource::response() {
  Response out(200);
  out.headers.add("Content-Type", "text/event-stream");
  out.headers.add("Cache-Control", "no-store");
  out.headers.add("X-Accel-Buffering", "no");
  out.source = std::make_unique<Source>(shared_from_this());
  return out;
}

bool EventSource::publish(const ServerEvent& event) {
  if (closed_) return false;
  pending_ += encode_event(event);
  if (pending_.size() > max_pending_) {
    overrun_ = closed_ = true;
    pending_.clear();
  }
  changed_.set();
  return !closed_;
}

void EventSource::close() {
  closed_ = true;
  changed_.set();
}

Task<Result<std::string_view>> EventSource::next() {
  while (pending_.empty()) {
    if (overrun_) co_return fail(Errc::limit_exceeded, "event stream: the client is too slow");
    if (closed_) co_return std::string_view{};
    changed_.reset();
    const Deadline ping = ping_.count() > 0 ? Deadline::after(ping_) : Deadline::never();
    const Wake wake = co_await changed_.wait(ping);
    if (wake == Wake::timeout && pending_.empty()) co_return std::string_view(ping_text_);
  }
  sending_.swap(pending_);
  pending_.clear();
  co_return std::string_view(sending_);
}

}  // namespace dromos::http
