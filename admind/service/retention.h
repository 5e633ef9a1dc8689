// How long things are kept: the settings `retention.*`, in days. What is not set, or was set by hand to what
// makes no sense, has the default.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string_view>
#include <vector>

#include "common/directory/administrators.h"
#include "common/store/collector.h"

namespace dromos::admind {

struct RetentionSetting {
  std::string_view key;
  seconds store::Retention::* member;
  int64_t least;
  int64_t most;
  std::string_view about;
};

const std::vector<RetentionSetting>& retention_settings();
/// invalid_argument in words if `key` is one of retention.* and unknown, or `value` is out of its range.
Result<void> check_retention(std::string_view key, const nlohmann::json& value);
store::Retention retention_of(const directory::Settings& settings);

}  // namespace dromos::admind
