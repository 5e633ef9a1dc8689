#include "imapd/learn/teacher.h"

#include <dromos/spam/v1/spam.pb.h>

#include "common/crypto/crypto.h"
#include "common/log/log.h"
#include "common/metrics/metrics.h"
#include "common/store/errc.h"

namespace dromos::imapd {
namespace {

namespace proto = dromos::spam::v1;

constexpr milliseconds kInterval{60000};  // of the look behind wake-ups
constexpr milliseconds kCallTime{30000};
constexpr int32_t kBatch = 100;
constexpr uint64_t kMessageBytes = 512 * 1024;  // spamd looks at less

/// One name for one message under one label, so that a repeated lesson is known.
std::string learn_id(const store::Lesson& lesson, bool spam) {
  const auto& bytes = lesson.message.value.bytes;
  std::string seed(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  seed += std::to_string(lesson.account.value);
  seed += spam ? "spam" : "ham";
  const crypto::Sha256 hash = crypto::sha256(seed);
  return {reinterpret_cast<const char*>(hash.data()), 16};
}

proto::LearnRequest request_of(const store::Lesson& lesson, const std::string& raw, bool spam, bool forget) {
  proto::LearnRequest request;
  request.mutable_message()->set_raw(raw);
  request.set_label(spam ? proto::LABEL_SPAM : proto::LABEL_HAM);
  request.set_account_id(lesson.account.value);
  request.set_learn_id(learn_id(lesson, spam));
  request.set_forget(forget);
  return request;
}

Task<Result<void>> append(std::string& to, std::string_view piece) {
  to += piece;
  co_return Result<void>{};
}

}  // namespace

Teacher::Teacher(db::Pool& pool, store::BlobStore& blobs, jobs::LeasedRunner& jobs,
                 rpc::Client::Options spamd)
    : lessons_(pool), messages_(pool, blobs), spamd_(std::move(spamd)) {
  jobs.add(std::string(kJob), kInterval, [this](jobs::JobContext& context) { return run(context); });
}

Task<Result<void>> Teacher::run(jobs::JobContext& context) {
  static metrics::Counter& taught =
      metrics::counter("dromos_imapd_lessons_total", "Messages moved into or out of Junk, taught to spamd.");
  CO_TRY(const auto lessons, co_await lessons_.pending(kBatch, context.limit()));
  for (const store::Lesson& lesson : lessons) {
    const bool on = co_await context.slice();
    if (!on) co_return Result<void>{};
    const auto learned = co_await teach(lesson, Deadline::after(kCallTime));
    if (!learned && learned.error().may_retry()) co_return fail(learned.error());
    // A message that spamd refuses would be refused again.
    if (!learned) log::warn("lesson.refused", {{"account", lesson.account}, {"err", learned.error()}});
    CO_TRY_VOID(co_await lessons_.done(lesson, context.limit()));
    if (learned && *learned) taught.add();
    context.count(1);
  }
  if (lessons.size() == static_cast<size_t>(kBatch)) context.again();
  co_return Result<void>{};
}

Task<Result<bool>> Teacher::teach(const store::Lesson& lesson, Deadline deadline) {
  std::string raw;
  const auto read = co_await messages_.read_raw(
      lesson.account, lesson.message, 0, kMessageBytes,
      [&raw](std::string_view piece) { return append(raw, piece); }, deadline);
  if (!read && read.error().is(store::StoreErrc::not_found)) co_return false;
  if (!read) co_return fail(read.error());
  // The other opinion first, if it was taught once.
  for (const bool forget : {true, false}) {
    const auto request = request_of(lesson, raw, forget ? !lesson.spam : lesson.spam, forget);
    CO_TRY_VOID(co_await spamd_.call<proto::LearnResponse>("/dromos.spam.v1.Spam/Learn", request, deadline));
  }
  co_return true;
}

}  // namespace dromos::imapd
