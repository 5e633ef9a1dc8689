#include "common/store/url_keys.h"

#include "common/store/write.h"

namespace dromos::store {
namespace {

const db::Statement kMake{"store_url_key_make", "SELECT mail.url_key_make_v1($1, $2, $3)"};
const db::Statement kGet{"store_url_key", "SELECT mail.url_key_v1($1, $2)"};
const db::Statement kReset{"store_url_key_reset", "SELECT mail.url_key_reset_v1($1, $2)"};

}  // namespace

Task<Result<std::string>> UrlKeys::make(AccountId account, MailboxId mailbox, std::string fresh,
                                        Deadline deadline) {
  auto params = [account, mailbox, &fresh] {
    db::Params made;
    made.add(account).add(mailbox).add_bytes(fresh);
    return made;
  };
  CO_TRY(const Settled settled, co_await write_settled(pool_, kMake, params, deadline));
  co_return std::string(settled.rows.bytes(0, 0));
}

Task<Result<std::optional<std::string>>> UrlKeys::get(AccountId account, MailboxId mailbox,
                                                      Deadline deadline) {
  db::Params params;
  params.add(account).add(mailbox);
  CO_TRY(const auto rows, co_await pool_.exec(kGet, std::move(params), deadline));
  std::optional<std::string> key;
  if (!rows.empty() && !rows.is_null(0, 0)) key = std::string(rows.bytes(0, 0));
  co_return key;
}

Task<Result<void>> UrlKeys::reset(AccountId account, MailboxId mailbox, Deadline deadline) {
  auto params = [account, mailbox] {
    db::Params made;
    made.add(account).add(mailbox);
    return made;
  };
  CO_TRY_VOID(co_await write_settled(pool_, kReset, params, deadline));
  co_return Result<void>{};
}

}  // namespace dromos::store
