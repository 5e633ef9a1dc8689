// Bodies and queries of REST against every operation's fields: whatever comes, checked values keep their
// kinds and ranges, and faults are told with a place.
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "admind/api/bind.h"
#include "admind/api/operation.h"
#include "common/http/json.h"
#include "common/http/path.h"

using namespace dromos;
using admind::Field;
using admind::Kind;

namespace {

void require(bool truth) {
  if (!truth) std::abort();
}

void check_member(const Field& field, const nlohmann::json& value) {
  if (value.is_null()) return require(field.nullable);
  switch (field.kind) {
    case Kind::text:
      require(value.is_string() &&
              static_cast<int64_t>(value.get_ref<const std::string&>().size()) <= field.max);
      break;
    case Kind::integer:
      require(value.is_number_integer() && value >= field.min && value <= field.max);
      break;
    case Kind::time:
      require(value.is_number_integer());
      break;
    case Kind::boolean:
      require(value.is_boolean());
      break;
    case Kind::texts:
      require(value.is_array() && static_cast<int64_t>(value.size()) <= field.max);
      break;
    case Kind::object:
    case Kind::objects:
    case Kind::any:
      break;
  }
}

void check_values(const nlohmann::json& values, const std::vector<Field>& fields) {
  for (const Field& field : fields) {
    const auto found = values.find(field.name);
    require(found != values.end() || !field.required);
    if (found != values.end()) check_member(field, *found);
  }
}

void check_faults(const std::vector<admind::Fault>& faults) {
  require(faults.size() <= admind::kMaxFaults);
  for (const auto& fault : faults) require(!fault.detail.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto parsed = http::parse_json(text);
  int64_t us = 0;
  if (size < 100) (void)admind::parse_rfc3339(text, us);
  std::vector<std::pair<std::string, std::string>> query;
  if (parsed && parsed->is_object())
    for (const auto& item : parsed->items())
      if (item.value().is_string()) query.emplace_back(item.key(), item.value().get<std::string>());
  for (const auto& resource : admind::resources())
    for (const auto& operation : resource.operations) {
      if (parsed && !operation.body.empty()) {
        nlohmann::json body = *parsed;
        const auto faults = admind::check_body(body, operation.body);
        check_faults(faults);
        if (faults.empty()) check_values(body, operation.body);
      }
      if (operation.query.empty()) continue;
      nlohmann::json out = nlohmann::json::object();
      const auto faults = admind::check_query(query, operation.query, out);
      check_faults(faults);
      if (faults.empty()) check_values(out, operation.query);
    }
  return 0;
}
