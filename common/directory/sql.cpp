#include "common/directory/sql.h"

#include "common/base/strings.h"
#include "common/db/errc.h"
#include "common/db/pool.h"

namespace dromos::directory {

std::vector<std::string> words(std::string_view text, char separator) {
  std::vector<std::string> out;
  for (const std::string_view piece : split(text, separator))
    if (!piece.empty()) out.emplace_back(piece);
  return out;
}

std::optional<sasl::ScramVerifier> read_verifier(const db::Rows& rows, int column, sasl::ScramHash hash) {
  if (rows.is_null(0, column)) return std::nullopt;
  sasl::ScramVerifier verifier;
  verifier.hash = hash;
  verifier.salt = rows.text(0, column);
  verifier.iterations = static_cast<int>(rows.integer(0, column + 1));
  verifier.stored_key = rows.text(0, column + 2);
  verifier.server_key = rows.text(0, column + 3);
  return verifier;
}

void add_verifier(db::Params& params, const std::optional<sasl::ScramVerifier>& verifier) {
  if (!verifier) {
    params.add_null().add_null().add_null().add_null();
    return;
  }
  params.add_bytes(verifier->salt).add_int32(verifier->iterations);
  params.add_bytes(verifier->stored_key).add_bytes(verifier->server_key);
}

void add_password(db::Params& params, const StoredPassword& password) {
  if (password.scheme.empty()) {
    params.add_null().add_null();
  } else {
    params.add(password.scheme).add(password.hash);
  }
  add_verifier(params, password.sha256);
  add_verifier(params, password.sha1);
}

Error explain(Error error) {
  const std::string_view state = db::sqlstate_of(error);
  const size_t text = error.message().find("] ");
  const std::string message = text == std::string::npos ? error.message() : error.message().substr(text + 2);
  if (state == "DRNOF") return Error(Errc::not_found, message);
  if (state == "DRINV" || state == "22023" || state == "22P02") return Error(Errc::invalid_argument, message);
  if (state == "23503") return Error(Errc::conflict, message);
  if (state == "23505" || state == "DREXI") return Error(Errc::already_exists, message);
  if (state == "23514" || state == "23502") return Error(Errc::invalid_argument, message);
  return error;
}

Task<Result<db::Rows>> call(db::Pool& pool, const db::Statement& statement, db::Params params,
                            Deadline deadline) {
  auto rows = co_await pool.exec(statement, std::move(params), deadline);
  if (!rows) co_return fail(explain(std::move(rows).error()));
  co_return std::move(*rows);
}

}  // namespace dromos::directory
