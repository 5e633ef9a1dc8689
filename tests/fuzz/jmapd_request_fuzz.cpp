// The body of POST /jmap: bounded JSON, the request's shape, references between its calls, patches.
#include <nlohmann/json.hpp>

#include "common/http/json.h"
#include "jmapd/protocol/patch.h"
#include "jmapd/protocol/pointer.h"
#include "jmapd/protocol/request.h"
#include "jmapd/service/email_build.h"
#include "jmapd/service/email_filter.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dromos;
  auto parsed = http::parse_json({reinterpret_cast<const char*>(data), size});
  if (!parsed) return 0;
  auto request = jmapd::parse_request(std::move(*parsed), 16);
  if (!request) return 0;
  nlohmann::json answers = nlohmann::json::array();
  size_t budget = 1 << 20;
  for (jmapd::Invocation& call : request->calls) {
    const bool resolved = jmapd::resolve_references(*call.arguments, answers, budget).has_value();
    const nlohmann::json& arguments = *call.arguments;
    if (resolved && arguments.contains("filter")) (void)jmapd::EmailFilter::parse(&arguments["filter"]);
    if (resolved && arguments.contains("patch")) (void)jmapd::apply_patch(arguments, arguments["patch"]);
    if (resolved) (void)jmapd::build_email(arguments, {}, {"id@host", 0});
    answers.push_back({call.name, arguments, call.id});
  }
  return 0;
}
