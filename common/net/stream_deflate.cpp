// The compressed half of Stream. A wait is over only when there are octets to parse: compressed input may
// hold none. Buffers for one step are of the thread, so an idle stream keeps only what Deflate keeps.
#include <utility>

#include "common/net/stream.h"

namespace dromos::net {
namespace {

constexpr size_t kStep = 32 * 1024;  // octets packed or unpacked at once: bounds buffers and time
constexpr milliseconds kHibernateAfter{10000};

char* step_buffer() {
  thread_local std::unique_ptr<char[]> buffer(new char[kStep]);
  return buffer.get();
}

}  // namespace

Stream::Step Stream::read_packed() {
  size_t got = 0;
  const Step step = try_read(step_buffer(), kStep, got);
  if (step == Step::done) deflate_->feed({step_buffer(), got});
  return step;
}

Result<size_t> Stream::unpack() {
  TRY(const size_t got, deflate_->inflate(step_buffer(), kStep));
  if (got > 0) append_input(step_buffer(), got);
  return got;
}

Task<Result<size_t>> Stream::fill_unpacked(Deadline deadline) {
  if (unpacked_ahead_ > 0) co_return std::exchange(unpacked_ahead_, 0);
  while (true) {
    if (cancel_.cancelled()) co_return fail(cancelled_error("connection ended by this server"));
    if (deflate_->pending()) {
      co_await Reactor::current().yield();  // much may come out of little: others go first
      const auto got = unpack();
      if (!got) failure_ = got.error().message();
      if (!got) co_return fail(broken("reading"));
      if (*got > 0) co_return *got;
      continue;
    }
    const Step step = read_packed();
    if (step == Step::closed) co_return size_t{0};
    if (step == Step::failed) co_return fail(broken("reading"));
    if (step != Step::done) CO_TRY_VOID(co_await wait(step, deadline));
  }
}

Task<Wake> Stream::wait_unpacked(Deadline deadline, Event* also) {
  bool asleep = false;
  while (unpacked_ahead_ == 0) {
    if (deflate_->pending()) {
      const auto got = unpack();
      if (!got) co_return Wake::ready;  // fill() meets the same error
      unpacked_ahead_ = *got;
      continue;
    }
    if (also != nullptr && also->is_set()) co_return Wake::ready;
    const Deadline soon = Deadline::after(kHibernateAfter);
    const bool last = asleep || deadline.when() < soon.when();
    const Wake wake = co_await wait_fd(last ? deadline : soon, also);
    if (wake == Wake::timeout && !last) {
      deflate_->hibernate();
      asleep = true;
      continue;
    }
    if (wake != Wake::ready || (also != nullptr && also->is_set())) co_return wake;
    const Step step = read_packed();
    if (step == Step::closed || step == Step::failed) co_return Wake::ready;
  }
  co_return Wake::ready;
}

Task<Result<void>> Stream::send(std::string_view bytes, Deadline deadline) {
  if (!deflate_) co_return co_await send_wire(bytes, deadline);
  while (!bytes.empty()) {
    std::string packed;
    deflate_->pack(bytes.substr(0, kStep), packed);
    bytes.remove_prefix(std::min(bytes.size(), kStep));
    CO_TRY_VOID(co_await send_wire(packed, deadline));
    if (!bytes.empty()) co_await Reactor::current().yield();
  }
  co_return Result<void>{};
}

bool Stream::input_empty() {
  while (buffered().empty() && deflate_ && deflate_->pending()) {
    const auto got = unpack();
    if (!got) break;
    unpacked_ahead_ += *got;
  }
  return buffered().empty();
}

Task<Result<void>> Stream::start_compression(Deadline deadline) {
  CO_TRY_VOID(co_await flush(deadline));
  auto deflate = std::make_unique<Deflate>();
  deflate->feed(buffered());
  consume(buffered().size());
  deflate_ = std::move(deflate);
  co_return Result<void>{};
}

Task<Result<void>> Stream::stop_compression(Deadline deadline) {
  const auto deflate = std::move(deflate_);
  // Octets unpacked already stay in front of what came uncompressed behind them.
  in_.append(deflate->end_input());
  unpacked_ahead_ = 0;
  std::string packed;
  deflate->pack(std::exchange(out_, {}), packed, true);
  co_return co_await send_wire(packed, deadline);
}

}  // namespace dromos::net
