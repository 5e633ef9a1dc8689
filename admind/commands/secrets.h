// App passwords and API keys as REST shows them: used for administrators, accounts and oneself.
#pragma once

#include "admind/commands/common.h"
#include "common/directory/admin_types.h"

namespace dromos::admind {

/// label, scopes, expires_at of the body.
directory::SecretSpec secret_spec(const Call& call);
json secret_json(const directory::SecretInfo& info);
/// The new one with its text, shown this once.
Reply new_secret(const directory::NewSecret& made, const directory::SecretSpec& spec);
Result<int64_t> secret_id(const Call& call);

std::vector<Field> secret_fields(std::vector<std::string> scopes);
/// Schemas Secret and NewSecret.
std::vector<Schema> secret_schemas();

/// What an account's secrets may open.
std::vector<std::string> account_scopes();

}  // namespace dromos::admind
