// Texts and words of accounts made anew by imapd's indexer: asking for it, and how far it is.
#include "common/store/reindex.h"

#include "admind/commands/common.h"
#include "admind/service/services.h"

namespace dromos::admind {

namespace {

constexpr int32_t kShown = 1000;

json to_json(const store::Reindex::Progress& one) {
  return {{"account", one.address},
          {"done", one.done},
          {"failed", one.failed},
          {"total", one.total},
          {"asked_at", to_rfc3339(one.asked_us)},
          {"ended_at", one.ended_us == 0 ? json(nullptr) : json(to_rfc3339(one.ended_us))}};
}

Task<Result<Reply>> ask(Call& call, std::optional<AccountId> account) {
  CO_TRY(const int64_t accounts, co_await call.services.reindex.ask(account, call.deadline));
  co_return Reply{{{"accounts", accounts}}, {}};
}

Task<Result<Reply>> reindex_account(Call& call) {
  CO_TRY(const auto account, co_await call.services.admin.get_account(call.path("address"), call.deadline));
  co_return co_await ask(call, account.id);
}

Task<Result<Reply>> reindex_all(Call& call) {
  co_return co_await ask(call, std::nullopt);
}

Task<Result<Reply>> list_reindex(Call& call) {
  CO_TRY(const auto found, co_await call.services.reindex.list(kShown, call.deadline));
  json items = json::array();
  for (const store::Reindex::Progress& one : found) items.push_back(to_json(one));
  co_return whole(std::move(items));
}

}  // namespace

Resource reindex() {
  Resource out{"reindex", "Texts and words for searching, made anew from the stored bytes.", {}, {}};
  out.schemas = {{"Reindex",
                  "How far an account is.",
                  {text("account", "its address").need(), integer("done", "messages").need(),
                   integer("failed", "of those: unreadable; they keep their old text").need(),
                   integer("total", "messages when it was asked for").need(), time("asked_at", "").need(),
                   time("ended_at", "null: under way").need().or_null()}},
                 {"ReindexAsked", "What will be made anew.", {integer("accounts", "how many").need()}}};
  auto& ops = out.operations;
  ops.push_back({.id = "listReindex",
                 .path = "/reindex",
                 .scope = "jobs:read",
                 .command = "reindex list",
                 .summary = "Show how far reindexing is, accounts under way first",
                 .response = "Reindex",
                 .list = true,
                 .run = list_reindex});
  ops.push_back({.id = "reindexAll",
                 .method = http::Method::post,
                 .path = "/reindex",
                 .scope = "jobs:write",
                 .command = "reindex all",
                 .summary = "Make texts and words of all accounts anew; imapd begins within half a minute",
                 .response = "ReindexAsked",
                 .run = reindex_all,
                 .announces = false});
  ops.push_back({.id = "reindexAccount",
                 .method = http::Method::post,
                 .path = "/accounts/{address}/reindex",
                 .scope = "jobs:write",
                 .command = "reindex account ADDRESS",
                 .summary = "Make texts and words of one account anew",
                 .response = "ReindexAsked",
                 .problems = {404},
                 .run = reindex_account,
                 .announces = false});
  return out;
}

}  // namespace dromos::admind
