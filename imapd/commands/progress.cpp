#include "imapd/commands/progress.h"

#include <algorithm>

namespace dromos::imapd {
namespace {
constexpr milliseconds kWriteTime{300000};
}

Progress::Progress(Context& context, std::string_view tag, bool ticks)
    : context_(context), tag_(tag), ticks_(ticks), last_us_(Clock::now_us()), timer_([this] { tick(); }) {
  context_.progress = this;
  if (ticks_) timer_.start(context_.worker.config.progress);
}

Progress::~Progress() {
  context_.progress = nullptr;
}

Task<void> Progress::close() {
  timer_.stop();
  co_await group_.close();
}

Task<void> Progress::quiet() {
  if (sending_) co_await sent_.wait();
}

bool Progress::due() {
  const int64_t now = Clock::now_us();
  const auto interval = std::chrono::microseconds(milliseconds(context_.worker.config.progress)).count();
  if (now - last_us_ < interval) return false;
  last_us_ = now;
  return true;
}

void Progress::step(size_t done, size_t goal) {
  done_ = done;
  goal_ = goal;
  const bool each = milliseconds(context_.worker.config.progress).count() == 0;
  if ((!ticks_ || each) && due()) write();
}

void Progress::write() {
  std::string code = "INPROGRESS (";
  code += tag_.find(']') == std::string::npos ? '"' + tag_ + '"' : "NIL";
  if (goal_ == 0)
    code += " NIL NIL)";
  else  // never all of them: that is for the tagged answer to say
    code += ' ' + std::to_string(std::min(done_, goal_ - 1)) + ' ' + std::to_string(goal_) + ')';
  context_.out.untagged_status(Status::ok, code, "Still working");
}

void Progress::tick() {
  if (context_.broken) return;
  if (!sending_) group_.spawn(send());
  const milliseconds interval = context_.worker.config.progress;
  if (interval.count() > 0) timer_.start(interval);
}

Task<void> Progress::send() {
  // Where the client is being sent something already, it knows.
  if (context_.flushing || context_.broken) co_return;
  write();
  // The command may go on and write meanwhile: into an empty buffer, which waits for quiet().
  const std::string octets(context_.out.view());
  context_.out.clear();
  sending_ = true;
  sent_.reset();
  const auto sent = co_await context_.stream.write_all(octets, Deadline::after(kWriteTime));
  if (!sent) context_.broken = true;
  sending_ = false;
  sent_.set();
}

}  // namespace dromos::imapd
