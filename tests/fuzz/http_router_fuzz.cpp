// Path and query decoding: parameters are clean UTF-8 without control characters and dot segments, and
// encoding what was decoded decodes to the same.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "common/base/strings.h"
#include "common/http/auth.h"
#include "common/http/path.h"
#include "common/http/router.h"

namespace {

using namespace dromos;
using namespace dromos::http;

Task<Response> nothing(Request&) {
  co_return Response(200);
}

const Router& router() {
  static const Router instance = [] {
    Router made;
    made.add(Method::get, "/", nothing);
    made.add(Method::get, "/a/{x}", nothing);
    made.add(Method::get, "/a/{x}/b/{y}", nothing);
    made.add(Method::get, "/a/c/b/d", nothing);
    made.add(Method::get, "/f/{rest...}", nothing);
    return made;
  }();
  return instance;
}

void check_clean(std::string_view text) {
  if (!is_utf8(text)) abort();
  for (const char c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const Match match = router().match(Method::get, bytes);
  if ((match.route == nullptr) != (match.status != 200)) abort();
  for (const auto& [name, value] : match.parameters) {
    check_clean(value);
    if (match.route->pattern == "/f/{rest...}" && ("/" + value + "/").find("/../") != std::string::npos)
      abort();
    if (value == ".." || value == ".") abort();
  }
  if (const auto decoded = percent_decode(bytes)) {
    check_clean(*decoded);
    if (percent_decode(percent_encode(*decoded)) != *decoded) abort();
  }
  if (const auto pairs = parse_query(bytes))
    for (const auto& [key, value] : *pairs) {
      check_clean(key);
      check_clean(value);
    }
  (void)parse_authorization(bytes);
  return 0;
}
