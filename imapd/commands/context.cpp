#include "imapd/commands/context.h"

#include <poll.h>
#include <sys/ioctl.h>

#include "common/store/errc.h"
#include "common/store/flag_runs.h"
#include "imapd/commands/append.h"
#include "imapd/commands/metadata_watch.h"
#include "imapd/commands/notify.h"
#include "imapd/commands/progress.h"

namespace dromos::imapd {
namespace {
constexpr size_t kFlushAt = 64 * 1024;
constexpr milliseconds kWriteTime{300000};  // a client that takes nothing for so long is gone

// Before login nobody may make us keep much.
ReaderLimits before_login(const config::Imapd& config) {
  ReaderLimits limits;
  limits.line = std::min<size_t>(config.limits.line.bytes, 40 * 1024);  // the longest ID: RFC 2971 §3.3
  limits.text = limits.line;
  limits.argument_literals = 16 * 1024;
  limits.literals = 10;
  return limits;
}
}  // namespace

Context::Context(Worker& worker_in, net::Stream& stream_in)
    : worker(worker_in),
      stream(stream_in),
      reader(before_login(worker_in.config)),
      since_us(Clock::now_us()),
      trace(TraceId::make()) {}

Context::~Context() {
  unselect();
}

Task<bool> Context::flush() {
  if (broken) co_return false;
  if (out.empty() && stream.out().empty()) co_return true;
  if (progress != nullptr) co_await progress->quiet();
  flushing = true;
  const auto sent = co_await stream.write_all(out.view(), Deadline::after(kWriteTime));
  flushing = false;
  out.clear();
  if (!sent) broken = true;
  co_return !broken;
}

Task<bool> Context::flush_some() {
  if (out.size() < kFlushAt) co_return !broken;
  co_return co_await flush();
}

bool Context::peer_gone() const {
  if (broken || stream.fd() < 0) return true;
  pollfd look{stream.fd(), POLLRDHUP, 0};
  if (::poll(&look, 1, 0) <= 0 || (look.revents & (POLLRDHUP | POLLHUP | POLLERR)) == 0) return false;
  // A plain client may close its side behind its last commands and still read.
  int pending = 0;
  return stream.is_tls() ||
         (stream.input_empty() && ::ioctl(stream.fd(), FIONREAD, &pending) == 0 && pending == 0);
}

Deadline Context::io_deadline() const {
  const auto& limits = worker.config.limits;
  return Deadline::after(state == State::not_authenticated ? limits.login_timeout : limits.idle_timeout);
}

Task<std::optional<std::string>> Context::read_line(Deadline deadline) {
  reader.expect_line();
  while (!broken) {
    std::string_view bytes = stream.buffered();
    const size_t before = bytes.size();
    const CommandReader::Step step = reader.next(bytes);
    stream.consume(before - bytes.size());
    if (step == CommandReader::Step::line) co_return std::string(reader.line());
    if (step != CommandReader::Step::need_more) break;
    const auto got = co_await stream.fill(deadline);
    if (!got || *got == 0) break;
  }
  broken = true;
  co_return std::nullopt;
}

void Context::end() {
  ending = true;
  wake.set();
}

void Context::select(std::unique_ptr<Selected> next) {
  if (selected) selected->mailbox->unwatch(*this);
  selected = std::move(next);
  if (selected) selected->mailbox->watch(*this);
  if (state != State::logout && state != State::not_authenticated)
    state = selected ? State::selected : State::authenticated;
}

void Context::mailbox_changed() {
  if (idling || notify) wake.set();
}

void Context::forget_login() {
  notify.reset();
  metadata.reset();
  unselect();
  if (counted) worker.options.limits->by_account.give_back(account());
  counted = false;
  who = {};
  enabled = {};
  out.set_utf8(false);
  append.reset();
  reader.set_limits(before_login(worker.config));
  state = State::not_authenticated;
}

void Context::enable_condstore() {
  if (enabled.condstore) return;
  enabled.condstore = true;
  if (selected)
    out.untagged_status(Status::ok, "HIGHESTMODSEQ " + std::to_string(selected->seen->modseq()), "Highest");
}

void Context::enable_rev2() {
  enabled.rev2 = true;
  if (selected) selected->recent = {};
  out.set_utf8(true);
}

Error missing_right(store::Rights held) {
  if ((held & store::kLookup) == 0) return Error(store::StoreErrc::not_found, "no such mailbox");
  return Error(store::StoreErrc::no_permission, "a right is missing");
}

Task<Result<void>> refresh_rights(Context& context) {
  if (!context.foreign()) co_return Result<void>{};
  const SharedMailbox& mailbox = *context.selected->mailbox;
  CO_TRY(const store::Rights rights,
         co_await context.worker.sharing.rights(context.account(), mailbox.account(), mailbox.id(),
                                                context.store_deadline()));
  context.selected->rights = rights;
  if ((rights & store::kRead) != 0) co_return Result<void>{};
  context.ending = true;
  co_return fail(store::StoreErrc::no_permission, "the mailbox may not be read any more");
}

void Context::enable_utf8() {
  enabled.utf8 = true;
  out.set_utf8(true);
}

Task<Result<store::StoreResult>> store_flags(Context& context, const store::UidSet& uids, store::FlagOp op,
                                             store::FlagSet flags, std::optional<int64_t> unchanged) {
  const Selected& selected = *context.selected;
  const AccountId owner = selected.mailbox->account();
  const MailboxId id = selected.mailbox->id();
  const Deadline deadline = context.store_deadline();
  Worker& worker = context.worker;
  if (selected.own_seen())
    co_return co_await worker.private_seen.store(owner, id, context.account(), uids, op, std::move(flags),
                                                 selected.rights, unchanged, deadline);
  if (op == store::FlagOp::replace &&
      store::flags_allowed(selected.rights) != store::flags_allowed(store::kAllRights))
    co_return co_await worker.sharing.replace_flags(owner, id, uids, std::move(flags), selected.rights,
                                                    unchanged, deadline);
  auto stored = co_await worker.entries.store(owner, id, uids, op, std::move(flags), unchanged, deadline);
  if (stored && stored->changed.count() >= store::FlagRuns::kLeast) worker.options.many_flagged();
  co_return stored;
}

std::string highest_modseq_code(const Context& context) {
  if (!context.enabled.qresync) return {};
  return "HIGHESTMODSEQ " + std::to_string(context.selected->mailbox->current()->modseq());
}

Result<NumberSet> numbers_of(const Context& context, const SequenceSet& set, bool uid) {
  const Selected& selected = *context.selected;
  const MailboxVersion& version = *selected.seen;
  if (set.saved_result) return version.numbers_of(selected.saved);
  if (uid) return version.numbers_of(set.resolve(version.max_uid()));
  const NumberSet numbers = set.resolve(version.size());
  if (numbers.back() > version.size() || (version.size() == 0))
    return fail(Errc::invalid_argument, "There is no message with such a number");
  return numbers;
}

Result<store::UidSet> uids_of(const Context& context, const SequenceSet& set, bool uid) {
  TRY(const NumberSet numbers, numbers_of(context, set, uid));
  return to_store(context.selected->seen->uids_of(numbers));
}

store::UidSet to_store(const NumberSet& set) {
  store::UidSet uids;
  for (const NumberRange& range : set.ranges()) uids.add(range.first, range.last);
  return uids;
}

NumberSet from_store(const store::UidSet& set) {
  std::vector<NumberRange> ranges;
  for (const auto& range : set.ranges()) ranges.push_back({range.first, range.last});
  return NumberSet(std::move(ranges));
}

std::vector<uint32_t> list_of(const NumberSet& set) {
  std::vector<uint32_t> list;
  list.reserve(set.count());
  set.for_each([&](uint32_t number) { list.push_back(number); });
  return list;
}

Reply reply_for(const Error& error) {
  using store::StoreErrc;
  if (error.is(StoreErrc::not_found)) return no(code::kNonexistent, "There is no such mailbox");
  if (error.is(StoreErrc::exists)) return no(code::kAlreadyExists, "That name or special use is taken");
  if (error.is(StoreErrc::has_children)) return no(code::kHasChildren, "The mailbox has mailboxes below it");
  if (error.is(StoreErrc::not_empty)) return no(code::kCannot, "The mailbox is not empty");
  if (error.is(StoreErrc::not_allowed)) return no(code::kCannot, "Not allowed: " + error.message());
  if (error.is(StoreErrc::no_permission)) return no(code::kNoPerm, "Permission denied");
  if (error.is(StoreErrc::over_quota)) return no(code::kOverQuota, "Over quota");
  if (error.is(StoreErrc::blob_gone))
    return no(code::kCorruption, "The octets of a message are not readable");
  if (error.is(Errc::invalid_argument)) return bad(error.message());
  if (error.is(Errc::limit_exceeded)) return no(code::kLimit, error.message());
  if (error.may_retry()) return no(code::kUnavailable, "The store is not available now, try again later");
  return no(code::kServerBug, "Internal error");
}

}  // namespace dromos::imapd
