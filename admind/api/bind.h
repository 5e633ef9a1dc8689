// From what a client sent to checked values: JSON bodies and query parameters against their fields. Pure.
// All faults of a request are told at once, each with the place (JSON pointer) and what would be right.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "admind/api/schema.h"

namespace dromos::admind {

struct Fault {
  std::string pointer;  // "/quota_bytes", or "?limit" for a query parameter
  std::string detail;
};

inline constexpr size_t kMaxFaults = 20;

/// Checks `body` in place: unknown members, missing ones, kinds, ranges. Times become microseconds.
std::vector<Fault> check_body(nlohmann::json& body, const std::vector<Field>& fields);
/// Query pairs as typed values.
std::vector<Fault> check_query(const std::vector<std::pair<std::string, std::string>>& query,
                               const std::vector<Field>& fields, nlohmann::json& out);

/// "2026-11-22T03:04:05Z", with fraction and offset; microseconds since 1970.
bool parse_rfc3339(std::string_view text, int64_t& us);

}  // namespace dromos::admind
