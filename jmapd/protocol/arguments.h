// Typed reading of a method's arguments or a record's properties: the first fault is kept, and whatever was
// not asked for by the end is one ("unknown argument"). Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "jmapd/protocol/error.h"

namespace dromos::jmapd {

class Arguments {
 public:
  /// `object` must outlive this.
  explicit Arguments(const nlohmann::json& object) : object_(object) {}

  /// null and absent are nothing.
  std::optional<std::string> text(const char* name);
  std::optional<int64_t> integer(const char* name);
  std::optional<uint64_t> unsigned_integer(const char* name);
  bool boolean(const char* name, bool otherwise);
  std::optional<std::vector<std::string>> texts(const char* name);
  /// nullptr if absent or null.
  const nlohmann::json* object(const char* name);
  const nlohmann::json* array(const char* name);
  const nlohmann::json* any(const char* name);
  void fail(const std::string& name, const std::string& what);
  /// Refuses arguments nobody asked for; call last.
  Outcome<void> finish();
  bool ok() const { return !error_; }

 private:
  const nlohmann::json* find(const char* name);
  const nlohmann::json& object_;
  std::set<std::string, std::less<>> known_;
  std::optional<MethodError> error_;
};

}  // namespace dromos::jmapd
