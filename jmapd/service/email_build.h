// Composes a message from the Email object of Email/set create (RFC 8621 §4.6).
#pragma once

#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <set>
#include <string>

#include "jmapd/protocol/error.h"

namespace dromos::jmapd {

inline constexpr size_t kMaxComposedDepth = 20;
inline constexpr size_t kMaxComposedParts = 1000;

/// Blob ids that the body refers to, for loading them before build_email. invalidProperties if malformed.
Outcome<std::set<std::string>> blobs_in_email(const nlohmann::json& email);

struct ComposeDefaults {
  std::string message_id;  ///< without brackets
  int64_t now_seconds = 0;
};

/// The message. `email` without mailboxIds, keywords, receivedAt; `blobs` by id.
Outcome<std::string> build_email(const nlohmann::json& email, const std::map<std::string, std::string>& blobs,
                                 const ComposeDefaults& defaults);

}  // namespace dromos::jmapd
