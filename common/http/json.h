// JSON over HTTP: bounded parsing (RFC 8259, I-JSON's unique names of RFC 7493), JSON answers.
// Include <nlohmann/json.hpp> where values are touched; this header only names the type.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "common/base/result.h"
#include "common/http/message.h"

namespace dromos::http {

struct JsonLimits {
  size_t bytes = 10 * 1024 * 1024;
  size_t depth = 64;
  size_t values = 500'000;  // objects, arrays, scalars and names together
};

struct JsonError {
  size_t offset = 0;  // bytes read when it was seen
  size_t line = 1, column = 1;
  std::string text;
};

/// Never throws. Duplicate names, bad UTF-8, lone surrogates and anything beyond the limits are errors.
tl::expected<nlohmann::json, JsonError> parse_json(std::string_view text, const JsonLimits& limits = {});

/// Bad UTF-8 inside strings is replaced.
Response json_response(int status, const nlohmann::json& value);
/// 400 with the place of the error.
Response problem(const JsonError& error);

}  // namespace dromos::http
