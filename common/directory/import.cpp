// Bulk import. Passwords in the clear cost a PBKDF2 each (2 ms): on the pool, a slice at a time, two slices
// at once at most, like any other hash.
#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>

#include "common/async/offload.h"
#include "common/base/strings.h"
#include "common/db/pool.h"
#include "common/directory/address_text.h"
#include "common/directory/admin.h"
#include "common/directory/login_state.h"
#include "common/directory/sql.h"
#include "common/sasl/saslprep.h"

namespace dromos::directory {

namespace {

constexpr size_t kSlice = 500;

constexpr db::Statement kImport{"directory_account_import",
                                "SELECT row_number, account_id, reason FROM directory.account_import_v1($1)"};

struct Prepared {
  std::string json = "[]";
  std::vector<std::string> refused;  // one a row; empty: sent
  std::vector<size_t> sent;          // places of the rows in the JSON
};

nlohmann::json verifier_json(const sasl::ScramVerifier& verifier) {
  return {{"salt", hex(verifier.salt)},
          {"iterations", verifier.iterations},
          {"stored_key", hex(verifier.stored_key)},
          {"server_key", hex(verifier.server_key)}};
}

Result<nlohmann::json> row_json(const ImportRow& row, const std::vector<std::string>& sha1_domains) {
  TRY(const auto parts, split_address(row.login));
  if (row.quota_bytes < 0) return fail(dromos::Errc::invalid_argument, "negative quota");
  if (row.display_name.size() > 1000) return fail(dromos::Errc::invalid_argument, "display name too long");
  nlohmann::json json = {{"login", parts.first + "@" + parts.second},
                         {"display_name", clean_utf8(row.display_name)},
                         {"quota_bytes", row.quota_bytes},
                         {"enabled", row.enabled}};
  StoredPassword stored;
  if (!row.password_hash.empty()) {
    TRY(stored, parse_password_hash(row.password_hash));
  } else if (!row.password.empty()) {
    if (row.password.size() > sasl::kMaxPassword)
      return fail(dromos::Errc::invalid_argument, "password too long");
    const bool sha1 = std::find(sha1_domains.begin(), sha1_domains.end(), parts.second) != sha1_domains.end();
    stored = make_scram_password(row.password, sha1);
  }
  if (stored.scheme.empty()) return json;
  json["scheme"] = stored.scheme;
  json["hash"] = stored.hash;
  if (stored.sha256) json.update(verifier_json(*stored.sha256));
  if (stored.sha1) json["sha1"] = verifier_json(*stored.sha1);
  return json;
}

Prepared prepare(const std::vector<ImportRow>& rows, const std::vector<std::string>& sha1_domains) {
  Prepared out;
  nlohmann::json array = nlohmann::json::array();
  out.refused.resize(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    auto json = row_json(rows[i], sha1_domains);
    if (!json) {
      out.refused[i] = json.error().message();
      continue;
    }
    out.sent.push_back(i);
    array.push_back(std::move(*json));
  }
  out.json = array.dump();
  return out;
}

}  // namespace

Task<Result<std::vector<std::string>>> DirectoryAdmin::sha1_domains(Deadline deadline) {
  std::vector<std::string> names;
  std::string after;
  while (true) {
    CO_TRY(auto domains, co_await list_domains(after, 1000, deadline));
    for (const Domain& domain : domains)
      if (domain.scram_sha1) names.push_back(domain.name);
    if (domains.size() < 1000) break;
    after = domains.back().name;
  }
  co_return names;
}

Task<Result<std::vector<ImportOutcome>>> DirectoryAdmin::import_accounts(std::vector<ImportRow> rows,
                                                                         Deadline deadline) {
  CO_TRY(const auto with_sha1, co_await sha1_domains(deadline));
  std::vector<ImportOutcome> outcomes;
  outcomes.reserve(rows.size());
  for (size_t from = 0; from < rows.size(); from += kSlice) {
    const size_t count = std::min(kSlice, rows.size() - from);
    std::vector<ImportRow> slice(
        std::make_move_iterator(rows.begin() + static_cast<ptrdiff_t>(from)),
        std::make_move_iterator(rows.begin() + static_cast<ptrdiff_t>(from + count)));
    const bool granted = co_await gate_.acquire();
    if (!granted) co_return fail(Errc::busy, "too many password hashes at once", Retry::temporary);
    auto work = offload([slice = std::move(slice), with_sha1] { return prepare(slice, with_sha1); });
    const Prepared prepared = co_await std::move(work);
    gate_.release();
    CO_TRY(auto made, co_await call(kImport, db::Params().add(prepared.json), deadline));
    for (const std::string& reason : prepared.refused) outcomes.push_back({AccountId{}, reason});
    for (size_t row = 0; row < made.size(); ++row) {
      const auto place = static_cast<size_t>(made.integer(row, 0) - 1);
      ImportOutcome& outcome = outcomes[from + prepared.sent[place]];
      outcome.account = AccountId{made.maybe_integer(row, 1).value_or(0)};
      outcome.reason = made.text(row, 2);
    }
  }
  co_return outcomes;
}

}  // namespace dromos::directory
