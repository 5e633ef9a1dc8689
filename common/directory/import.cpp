// Bulk import. Passwords in the clear cost a PBKDF2 each (2 ms): on the pool, a slice at a time, two slices
// at once at most, like any other hash.
#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>

#include "common/base/strings.h"
#include "common/db/pool.h"
#include "common/directory/address_text.h"
#include "common/directory/admin.h"
#include "common/directory/login_state.h"
#include "common/directory/sql.h"
#include "common/sasl/saslprep.h"

namespace dromos::directory {

struct PreparedSlice {
  std::string json = "[]";
  std::vector<std::string> refused;  // one a row; empty: sent
  std::vector<size_t> sent;          // places of the rows in the JSON
};

struct ImportJob {
  std::vector<std::vector<ImportRow>> slices;
  std::vector<std::optional<PreparedSlice>> prepared;
  std::vector<std::string> sha1_domains;
  size_t next = 0;
  bool stop = false;
  bool refused = false;
  Event progress;
};

namespace {

constexpr size_t kSlice = 500;

constexpr db::Statement kImport{"directory_account_import",
                                "SELECT row_number, account_id, reason FROM directory.account_import_v1($1)"};

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

PreparedSlice prepare(const std::vector<ImportRow>& rows, const std::vector<std::string>& sha1_domains) {
  PreparedSlice out;
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

/// One of two hands that hash: takes slice after slice until none is left or the import has failed.
Task<void> DirectoryAdmin::prepare_slices(ImportJob& job) {
  while (!job.stop && job.next < job.slices.size()) {
    const size_t mine = job.next++;
    auto work = gate_.run(
        [rows = std::move(job.slices[mine]), sha1 = job.sha1_domains] { return prepare(rows, sha1); });
    auto prepared = co_await std::move(work);
    if (!prepared) {
      job.refused = true;
      break;
    }
    job.prepared[mine] = std::move(*prepared);
    job.progress.pulse();
  }
  job.progress.pulse();
}

Task<Result<void>> DirectoryAdmin::store_slice(const PreparedSlice& slice,
                                               std::vector<ImportOutcome>* outcomes, Deadline deadline) {
  CO_TRY(auto made, co_await call(pool_, kImport, db::Params().add(slice.json), deadline));
  const size_t first = outcomes->size();
  for (const std::string& reason : slice.refused) outcomes->push_back({AccountId{}, reason});
  for (size_t row = 0; row < made.size(); ++row) {
    const auto place = static_cast<size_t>(made.integer(row, 0) - 1);
    ImportOutcome& outcome = (*outcomes)[first + slice.sent[place]];
    outcome.account = AccountId{made.maybe_integer(row, 1).value_or(0)};
    outcome.reason = made.text(row, 2);
  }
  co_return Result<void>();
}

Task<Result<std::vector<ImportOutcome>>> DirectoryAdmin::import_accounts(std::vector<ImportRow> rows,
                                                                         Deadline deadline) {
  ImportJob job;
  CO_TRY(job.sha1_domains, co_await sha1_domains(deadline));
  for (size_t from = 0; from < rows.size(); from += kSlice) {
    const auto begin = rows.begin() + static_cast<ptrdiff_t>(from);
    const auto end = rows.begin() + static_cast<ptrdiff_t>(std::min(from + kSlice, rows.size()));
    job.slices.emplace_back(std::make_move_iterator(begin), std::make_move_iterator(end));
  }
  job.prepared.resize(job.slices.size());
  TaskGroup hands;
  for (size_t i = 0; i < HashGate::kConcurrent; ++i) hands.spawn(prepare_slices(job));
  std::vector<ImportOutcome> outcomes;
  outcomes.reserve(rows.size());
  Result<void> stored;
  for (size_t i = 0; i < job.prepared.size() && stored; ++i) {
    while (!job.prepared[i] && !job.refused && !deadline.passed()) co_await job.progress.wait(deadline);
    if (!job.prepared[i]) {
      stored = fail(Errc::busy, "no time or room for hashing passwords", Retry::temporary);
      break;
    }
    stored = co_await store_slice(*job.prepared[i], &outcomes, deadline);
    job.prepared[i].reset();
  }
  job.stop = true;
  co_await hands.join();
  if (!stored) co_return fail(std::move(stored).error());
  co_return outcomes;
}

}  // namespace dromos::directory
