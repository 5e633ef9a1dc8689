// Shared by the sources of this folder: reading identities and verifiers, and SQLSTATE -> Errc.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/async/task.h"
#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/result.h"
#include "common/db/connection.h"
#include "common/db/params.h"
#include "common/db/rows.h"
#include "common/directory/password.h"

namespace dromos::db {
class Pool;
}

namespace dromos::directory {

/// "a b" as words; empty text gives none.
std::vector<std::string> words(std::string_view text, char separator);
/// Four columns from `column` on: salt, iterations, stored key, server key.
std::optional<sasl::ScramVerifier> read_verifier(const db::Rows& rows, int column, sasl::ScramHash hash);
void add_verifier(db::Params& params, const std::optional<sasl::ScramVerifier>& verifier);
/// scheme (NULL for none), hash and both verifiers: ten parameters.
void add_password(db::Params& params, const StoredPassword& password);
/// DRNOF, DRINV, DREXI and constraint violations in the words of Errc; others as they are.
Error explain(Error error);
/// One statement, its error explained.
Task<Result<db::Rows>> call(db::Pool& pool, const db::Statement& statement, db::Params params,
                            Deadline deadline);

}  // namespace dromos::directory
