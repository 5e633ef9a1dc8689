#include "common/store/flag_runs.h"

#include "common/store/write.h"

namespace dromos::store {
namespace {
const db::Statement kPending{"store_flag_runs", "SELECT account_id, mailbox_id FROM mail.flag_runs_v1($1)"};
const db::Statement kFold{"store_flag_fold", "SELECT mail.fold_flags_v1($1, $2, $3)"};
}  // namespace

Task<Result<std::vector<FlagRuns::Place>>> FlagRuns::pending(int32_t limit, Deadline deadline) {
  db::Params params;
  params.add_int32(limit);
  CO_TRY(const auto rows, co_await pool_.exec(kPending, std::move(params), deadline));
  std::vector<Place> places;
  for (size_t row = 0; row < rows.size(); ++row)
    places.push_back({rows.id<AccountId>(row, 0), rows.id<MailboxId>(row, 1)});
  co_return places;
}

Task<Result<bool>> FlagRuns::fold(Place place, int32_t entries, Deadline deadline) {
  db::Params params;
  params.add(place.account).add(place.mailbox).add_int32(entries);
  CO_TRY(const auto rows, co_await pool_.exec(kFold, std::move(params), deadline));
  co_return rows.boolean(0, 0);
}

}  // namespace dromos::store
