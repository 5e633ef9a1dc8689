// JSON pointers: as result references use them, with `*` over arrays (RFC 8620 §3.7), and as paths of a
// PatchObject (RFC 6901 escapes). Pure; no exceptions for any input.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dromos::jmapd {

/// Steps a pointer may have, and values it may gather.
inline constexpr size_t kMaxPointerTokens = 64;
inline constexpr size_t kMaxPointerValues = 100'000;
/// Bytes (about) that all references of one request may copy: answers that refer to answers could double at
/// each call.
inline constexpr size_t kMaxReferredBytes = 64 * 1024 * 1024;

/// "/a/b~1c" -> {"a", "b/c"}; "" -> {}. Nothing if malformed. Without `leading_slash` the text is a patch
/// path
/// ("a/b").
std::optional<std::vector<std::string>> split_pointer(std::string_view text, bool leading_slash = true);

/// The value at `pointer`; nothing if a step does not exist or the copy would exceed `budget`, which shrinks.
/// Steps over `*` map an array and flatten arrays among the results.
std::optional<nlohmann::json> evaluate_pointer(const nlohmann::json& root, std::string_view pointer,
                                               size_t& budget);

}  // namespace dromos::jmapd
