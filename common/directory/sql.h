// Shared by the sources of this folder: reading identities and verifiers, and SQLSTATE -> Errc.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "common/db/params.h"
#include "common/db/rows.h"
#include "common/directory/password.h"

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

}  // namespace dromos::directory
