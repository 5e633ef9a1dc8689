// Request and result references (RFC 8620 §3.2-§3.7): shape checks of the whole, back-references of a call.
// Pure: JSON values in, values out; hostile input is the normal case.
#pragma once

#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "jmapd/protocol/error.h"

namespace dromos::jmapd {

inline constexpr size_t kMaxUsing = 64;
inline constexpr size_t kMaxCreatedIds = 10'000;

struct Invocation {
  Invocation(std::string method, nlohmann::json args, std::string client_id);
  Invocation(Invocation&&) noexcept;
  Invocation& operator=(Invocation&&) noexcept;
  ~Invocation();

  std::string name;
  std::unique_ptr<nlohmann::json> arguments;  // an object
  std::string id;
};

/// Creation id to record id, of all methods of a request.
using CreatedIds = std::map<std::string, std::string>;

struct ApiRequest {
  std::vector<std::string> uses;
  std::vector<Invocation> calls;
  CreatedIds created;
  bool wants_created = false;
};

/// A request-level error (RFC 8620 §3.6.1).
struct RequestError {
  std::string type;  // "notRequest", "limit", "unknownCapability": behind urn:ietf:params:jmap:error:
  std::string detail;
  std::string limit;
};

tl::expected<ApiRequest, RequestError> parse_request(nlohmann::json body, size_t max_calls);

/// Replaces every "#name" argument of `arguments` by what it refers to in the answers so far (each
/// [name, arguments, id]). invalidArguments: both forms given; invalidResultReference: it leads nowhere,
/// or copies more than `budget` (kMaxReferredBytes a request).
Outcome<void> resolve_references(nlohmann::json& arguments, const nlohmann::json& answers, size_t& budget);

/// RFC 8620 §1.2.
bool is_id(std::string_view text);

}  // namespace dromos::jmapd
