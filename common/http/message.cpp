#include "common/http/message.h"

#include "common/http/path.h"

namespace dromos::http {

std::string_view Request::parameter(std::string_view name) const {
  for (const auto& [key, value] : parameters)
    if (key == name) return value;
  return {};
}

std::optional<std::string> Request::query(std::string_view name) const {
  auto values = parse_query(query_string);
  if (!values) return std::nullopt;
  for (auto& [key, value] : *values)
    if (key == name) return std::move(value);
  return std::nullopt;
}

}  // namespace dromos::http
