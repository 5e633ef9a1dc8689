#include "common/store/lessons.h"

namespace dromos::store {
namespace {
const db::Statement kPending{"store_lessons",
                             "SELECT account_id, message_id, spam, at FROM mail.lessons_v1($1)"};
const db::Statement kDone{"store_lesson_done", "SELECT mail.lesson_done_v1($1, $2, $3)"};
}  // namespace

Task<Result<std::vector<Lesson>>> Lessons::pending(int32_t limit, Deadline deadline) {
  db::Params params;
  params.add_int32(limit);
  CO_TRY(const auto rows, co_await pool_.exec(kPending, std::move(params), deadline));
  std::vector<Lesson> lessons;
  for (size_t row = 0; row < rows.size(); ++row)
    lessons.push_back(
        {rows.id<AccountId>(row, 0), rows.id<MessageId>(row, 1), rows.boolean(row, 2), rows.time_us(row, 3)});
  co_return lessons;
}

Task<Result<void>> Lessons::done(const Lesson& lesson, Deadline deadline) {
  db::Params params;
  params.add(lesson.account).add(lesson.message).add_time_us(lesson.at_us);
  CO_TRY_VOID(co_await pool_.exec(kDone, std::move(params), deadline));
  co_return Result<void>{};
}

}  // namespace dromos::store
