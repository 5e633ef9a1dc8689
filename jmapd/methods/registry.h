// Registry: method names to functions. Types are registered once with their standard methods; other methods
// by name. Built at start-up, then read only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "jmapd/methods/object_type.h"

namespace dromos::jmapd {

using MethodFunction = std::function<Task<Outcome<nlohmann::json>>(Context&, nlohmann::json)>;

struct Method {
  std::string_view capability;
  MethodFunction run;
};

class Registry {
 public:
  /// All of this server's types and methods.
  static const Registry& instance();
  const Method* find(const std::string& name) const;
  bool knows(std::string_view capability) const;
  /// Capabilities of methods, core among them.
  const std::vector<std::string_view>& capabilities() const { return capabilities_; }

 private:
  Registry();
  void add_type(std::shared_ptr<ObjectType> type);
  void add(std::string name, std::string_view capability, MethodFunction run);
  std::map<std::string, Method, std::less<>> methods_;
  std::vector<std::string_view> capabilities_;
};

/// Runs the calls of a request in turn; the value is the Response object (RFC 8620 §3.4).
Task<nlohmann::json> run_request(Context& context, ApiRequest request, std::string session_state);

}  // namespace dromos::jmapd
