#include "jmapd/protocol/arguments.h"

#include <nlohmann/json.hpp>

namespace dromos::jmapd {

using nlohmann::json;

namespace {
/// RFC 8620 §1.3: integers a double holds exactly.
constexpr int64_t kMaxInt = (int64_t{1} << 53) - 1;
}  // namespace

const json* Arguments::find(const char* name) {
  known_.insert(name);
  const auto at = object_.find(name);
  return at == object_.end() || at->is_null() ? nullptr : &*at;
}

void Arguments::fail(const std::string& name, const std::string& what) {
  if (!error_) error_ = MethodError("invalidArguments", name + ": " + what);
}

std::optional<std::string> Arguments::text(const char* name) {
  const json* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_string()) return value->get<std::string>();
  fail(name, "a string is wanted");
  return std::nullopt;
}

std::optional<int64_t> Arguments::integer(const char* name) {
  const json* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_number_integer()) {
    const bool huge = value->is_number_unsigned() && value->get<uint64_t>() > static_cast<uint64_t>(kMaxInt);
    const int64_t number = huge ? kMaxInt + 1 : value->get<int64_t>();
    if (number >= -kMaxInt && number <= kMaxInt) return number;
  }
  fail(name, "an integer is wanted");
  return std::nullopt;
}

std::optional<uint64_t> Arguments::unsigned_integer(const char* name) {
  const auto number = integer(name);
  if (!number) return std::nullopt;
  if (*number >= 0) return static_cast<uint64_t>(*number);
  fail(name, "must not be negative");
  return std::nullopt;
}

bool Arguments::boolean(const char* name, bool otherwise) {
  const json* value = find(name);
  if (value == nullptr) return otherwise;
  if (value->is_boolean()) return value->get<bool>();
  fail(name, "a boolean is wanted");
  return otherwise;
}

std::optional<std::vector<std::string>> Arguments::texts(const char* name) {
  const json* value = array(name);
  if (value == nullptr) return std::nullopt;
  std::vector<std::string> out;
  for (const json& one : *value) {
    if (!one.is_string()) {
      fail(name, "a list of strings is wanted");
      return std::nullopt;
    }
    out.push_back(one.get<std::string>());
  }
  return out;
}

const json* Arguments::object(const char* name) {
  const json* value = find(name);
  if (value == nullptr || value->is_object()) return value;
  fail(name, "an object is wanted");
  return nullptr;
}

const json* Arguments::array(const char* name) {
  const json* value = find(name);
  if (value == nullptr || value->is_array()) return value;
  fail(name, "a list is wanted");
  return nullptr;
}

const json* Arguments::any(const char* name) {
  return find(name);
}

Outcome<void> Arguments::finish() {
  for (const auto& item : object_.items())
    if (!known_.contains(item.key())) fail(item.key(), "unknown argument");
  if (error_) return tl::unexpected<MethodError>(*error_);
  return {};
}

}  // namespace dromos::jmapd
