#include "spamd/store/model_store.h"

#include <utility>

#include "common/db/pool.h"

namespace dromos::spamd {
namespace {

/// One statement, hence one snapshot: version and weights belong together.
constexpr db::Statement kLoad{
    "spam_load",
    "WITH m AS MATERIALIZED (SELECT version, bias, scale, shift FROM spam.model WHERE feature_version = $1 "
    "AND "
    "account_id = 0) "
    "SELECT m.version, m.bias, m.scale, m.shift, t.hashes, t.weights FROM m LEFT JOIN ("
    "SELECT array_agg(s.hash) AS hashes, array_agg(s.weight) AS weights FROM ("
    "SELECT hash, weight, (row_number() OVER () - 1) / 1000 AS slice FROM spam.token "
    "WHERE feature_version = $1 AND account_id = 0 AND weight <> 0) s GROUP BY s.slice) t ON true"};

constexpr db::Statement kHead{
    "spam_head", "SELECT version, event_floor FROM spam.model WHERE feature_version = $1 AND account_id = 0"};

constexpr db::Statement kEvents{
    "spam_events",
    "SELECT version, tokens, deltas, bias FROM spam.event WHERE feature_version = $1 AND "
    "account_id = 0 AND version > $2 ORDER BY version LIMIT $3"};

constexpr db::Statement kLearn{"spam_learn",
                               "SELECT changed, version FROM spam.learn_v1($1, $2, $3, $4, $5, $6, $7)"};

constexpr db::Statement kForget{"spam_forget", "SELECT changed, version FROM spam.forget_v1($1, $2, $3)"};

constexpr db::Statement kCounts{
    "spam_counts",
    "SELECT hash, ham, spam FROM spam.token WHERE feature_version = $1 AND account_id = 0 "
    "AND hash = ANY($2)"};

/// A slice locks the model against learning for some milliseconds.
constexpr db::Statement kPrune{"spam_prune",
                               "SELECT events, tokens FROM spam.prune_v1(interval '90 days', 20)"};

std::vector<int64_t> as_bigint(const std::vector<Token>& tokens) {
  return {tokens.begin(), tokens.end()};
}

Event event_of(const db::Rows& rows, size_t row) {
  Event event;
  event.version = static_cast<uint64_t>(rows.integer(row, 0));
  for (const int64_t token : rows.integers(row, 1)) event.tokens.push_back(static_cast<Token>(token));
  const std::vector<int64_t> deltas = rows.integers(row, 2);
  for (size_t g = 0; g < kGroups && g < deltas.size(); ++g)
    event.update.delta[g] = static_cast<Weight>(deltas[g]);
  event.update.bias = rows.integer(row, 3);
  return event;
}

Outcome outcome_of(const db::Rows& rows) {
  return {rows.boolean(0, 0), static_cast<uint64_t>(rows.integer(0, 1))};
}

db::Params version_params() {
  return std::move(db::Params().add_int32(kFeatureVersion));
}

}  // namespace

Task<Result<Model>> ModelStore::load(Deadline deadline) {
  Model model;
  const auto take = [&model](const db::Rows& rows) {
    model.version = static_cast<uint64_t>(rows.integer(0, 0));
    model.bias = rows.integer(0, 1);
    model.calibration = {rows.real(0, 2), rows.real(0, 3)};
    if (rows.is_null(0, 4)) return true;
    const std::vector<int64_t> hashes = rows.integers(0, 4);
    const std::vector<int64_t> weights = rows.integers(0, 5);
    for (size_t i = 0; i < hashes.size() && i < weights.size(); ++i) {
      model.weights.set(static_cast<Token>(hashes[i]), static_cast<Weight>(weights[i]));
    }
    return true;
  };
  db::Params params = version_params();
  std::function<bool(const db::Rows&)> on_row = take;
  CO_TRY_VOID(co_await pool_.stream(kLoad, std::move(params), std::move(on_row), deadline));
  co_return model;
}

Task<Result<Changes>> ModelStore::changes(uint64_t since, Deadline deadline) {
  db::Params head_params = version_params();
  CO_TRY(const db::Rows head, co_await pool_.exec(kHead, std::move(head_params), deadline));
  Changes changes;
  if (head.empty()) {
    changes.reload = since != 0;
    co_return changes;
  }
  changes.version = static_cast<uint64_t>(head.integer(0, 0));
  const auto floor = static_cast<uint64_t>(head.integer(0, 1));
  changes.reload = since < floor || since > changes.version;
  if (changes.reload || since == changes.version) co_return changes;
  db::Params params = version_params();
  params.add(static_cast<int64_t>(since)).add(kMaxEvents);
  CO_TRY(const db::Rows rows, co_await pool_.exec(kEvents, std::move(params), deadline));
  for (size_t row = 0; row < rows.size(); ++row) changes.events.push_back(event_of(rows, row));
  co_return changes;
}

Task<Result<Outcome>> ModelStore::learn(Uuid learn_id, AccountId teacher, Label label, const Lesson& lesson,
                                        Deadline deadline) {
  const std::vector<int64_t> tokens = as_bigint(lesson.tokens);
  const std::vector<int32_t> deltas(lesson.update.delta.begin(), lesson.update.delta.end());
  db::Params params = version_params();
  params.add(learn_id).add(teacher).add_int32(static_cast<int32_t>(label));
  params.add_array(std::span<const int64_t>(tokens)).add_array(std::span<const int32_t>(deltas));
  params.add(lesson.update.bias);
  CO_TRY(const db::Rows rows, co_await pool_.exec(kLearn, std::move(params), deadline));
  co_return outcome_of(rows);
}

Task<Result<Outcome>> ModelStore::forget(Uuid learn_id, AccountId teacher, Deadline deadline) {
  db::Params params = version_params();
  params.add(learn_id).add(teacher);
  CO_TRY(const db::Rows rows, co_await pool_.exec(kForget, std::move(params), deadline));
  co_return outcome_of(rows);
}

Task<Result<std::unordered_map<Token, TokenCount>>> ModelStore::counts(
    const std::vector<ExplainedToken>& tokens, Deadline deadline) {
  std::vector<int64_t> hashes;
  for (const ExplainedToken& token : tokens) hashes.push_back(static_cast<int64_t>(token.token));
  db::Params params = version_params();
  params.add_array(std::span<const int64_t>(hashes));
  CO_TRY(const db::Rows rows, co_await pool_.exec(kCounts, std::move(params), deadline));
  std::unordered_map<Token, TokenCount> counts;
  for (size_t row = 0; row < rows.size(); ++row) {
    counts[static_cast<Token>(rows.integer(row, 0))] = {static_cast<uint64_t>(rows.integer(row, 1)),
                                                        static_cast<uint64_t>(rows.integer(row, 2))};
  }
  co_return counts;
}

Task<Result<Pruned>> ModelStore::prune(Deadline deadline) {
  CO_TRY(const db::Rows rows, co_await pool_.exec(kPrune, db::Params(), deadline));
  co_return Pruned{rows.integer(0, 0), rows.integer(0, 1)};
}

}  // namespace dromos::spamd
