#include "admind/service/retention.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/base/strings.h"
#include "common/http/json.h"

namespace dromos::admind {

namespace {

using nlohmann::json;

constexpr std::string_view kPrefix = "retention.";
constexpr int64_t kDay = 24 * 3600;
constexpr int64_t kTenYears = 3650;

const RetentionSetting* find(std::string_view key) {
  const auto& all = retention_settings();
  const auto found = std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.key == key; });
  return found == all.end() ? nullptr : &*found;
}

bool fits(const RetentionSetting& setting, const json& value) {
  return value.is_number_integer() && value >= setting.least && value <= setting.most;
}

}  // namespace

const std::vector<RetentionSetting>& retention_settings() {
  using store::Retention;
  // Deliveries: a sender that repeats after a lost reply is recognised as long as they are kept.
  static const std::vector<RetentionSetting> all = {
      {"retention.expunged_days", &Retention::expunged, 0, kTenYears, "expunged mail can be restored"},
      {"retention.changelog_days", &Retention::changelog, 1, kTenYears, "clients resynchronise by changes"},
      {"retention.delivery_days", &Retention::deliveries, 1, 90, "repeated deliveries are recognised"},
      {"retention.trace_days", &Retention::traces, 1, kTenYears, "traces of messages can be searched"},
      {"retention.trash_days", &Retention::trash, 0, kTenYears, "mail lies in Trash; 0: it is not touched"},
      {"retention.junk_days", &Retention::junk, 0, kTenYears, "mail lies in Junk; 0: it is not touched"}};
  return all;
}

Result<void> check_retention(std::string_view key, const json& value) {
  if (!key.starts_with(kPrefix)) return {};
  const RetentionSetting* setting = find(key);
  if (setting == nullptr) {
    std::vector<std::string> names;
    for (const auto& one : retention_settings()) names.emplace_back(one.key);
    return fail(Errc::invalid_argument,
                "no such setting: " + std::string(key) + "; there are " + join(names, ", "));
  }
  if (fits(*setting, value)) return {};
  return fail(Errc::invalid_argument, "/value must be a whole number of days, " +
                                          std::to_string(setting->least) + " to " +
                                          std::to_string(setting->most));
}

store::Retention retention_of(const directory::Settings& settings) {
  store::Retention out;
  for (const RetentionSetting& setting : retention_settings()) {
    const auto given = settings.values.find(std::string(setting.key));
    if (given == settings.values.end()) continue;
    const auto value = http::parse_json(given->second);
    if (value && fits(setting, *value)) out.*setting.member = seconds(value->get<int64_t>() * kDay);
  }
  return out;
}

}  // namespace dromos::admind
