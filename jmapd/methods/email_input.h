// What Email/set and Email/import read alike: mailboxIds, keywords, receivedAt.
#pragma once

#include <algorithm>
#include <nlohmann/json_fwd.hpp>

#include "common/base/strings.h"
#include "jmapd/methods/context.h"
#include "jmapd/service/email_store.h"

namespace dromos::jmapd {

inline constexpr size_t kMaxKeywords = 200;

Outcome<std::vector<MailboxId>> read_mailboxes(const Context& context, const nlohmann::json& value);
Outcome<std::vector<std::string>> read_keywords(const nlohmann::json& value);
/// All but `raw`.
Outcome<NewEmail> read_placement(const Context& context, const nlohmann::json& record);
nlohmann::json created_email(const StoredEmail& stored);

}  // namespace dromos::jmapd
