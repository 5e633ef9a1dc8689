#include "jmapd/protocol/patch.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "jmapd/protocol/pointer.h"

namespace dromos::jmapd {
namespace {

using nlohmann::json;
using Path = std::vector<std::string>;

bool is_prefix(const Path& shorter, const Path& longer) {
  return shorter.size() < longer.size() && std::equal(shorter.begin(), shorter.end(), longer.begin());
}

Outcome<void> apply_one(json& record, const Path& path, const json& value) {
  json* at = &record;
  for (size_t i = 0; i + 1 < path.size(); ++i) {
    if (!at->is_object()) return refuse("invalidPatch", "a path leads into something that is no object");
    const auto member = at->find(path[i]);
    if (member == at->end()) return refuse("invalidPatch", "no such property: " + path[i]);
    at = &*member;
  }
  if (!at->is_object()) return refuse("invalidPatch", "a path leads into something that is no object");
  // Taking away at the top sets the property to null, for its type to judge; below, the member goes.
  if (value.is_null() && path.size() > 1)
    at->erase(path.back());
  else
    (*at)[path.back()] = value;
  return {};
}

}  // namespace

Outcome<json> apply_patch(json record, const json& patch) {
  if (!patch.is_object()) return refuse("invalidPatch", "a patch is an object");
  std::vector<std::pair<Path, const json*>> steps;
  for (const auto& item : patch.items()) {
    auto path = split_pointer(item.key(), false);
    if (!path) return refuse("invalidPatch", "malformed path");
    steps.emplace_back(std::move(*path), &item.value());
  }
  std::sort(steps.begin(), steps.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  // Sorted, a path is directly followed by one that it is the prefix of, if there is any.
  for (size_t i = 1; i < steps.size(); ++i)
    if (is_prefix(steps[i - 1].first, steps[i].first))
      return refuse("invalidPatch", "one path is the prefix of another");
  for (const auto& [path, value] : steps) JR_CHECK(apply_one(record, path, *value));
  return record;
}

}  // namespace dromos::jmapd
