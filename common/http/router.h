// Finds the handler of a request by path pattern and method.
//
// Patterns are segments: literal, `{name}` (one segment, not empty) or, last, `{name...}` (the rest, which
// may hold slashes, none of them from %2F, and be empty). A literal wins over a parameter, a parameter over a
// rest. HEAD falls back to GET; OPTIONS and 405 answer with Allow. Built at start-up (bad patterns assert),
// then read only: one router may serve all reactors, so what handlers share must bear that.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/http/message.h"

namespace dromos::http {

struct RouteOptions {
  uint64_t body_limit = 1024 * 1024;
};

struct Route {
  std::string pattern;
  std::vector<std::string> names;  // of its parameters, in order
  Handler handler;
  RouteOptions options;
};

struct Match {
  const Route* route = nullptr;
  std::vector<std::pair<std::string_view, std::string>> parameters;
  int status = 200;   // 400, 404, 405; 204 for OPTIONS without a handler of its own
  std::string allow;  // with 405 and 204
};

class Router {
 public:
  Router();
  ~Router();
  Router(Router&&) noexcept;
  Router& operator=(Router&&) noexcept;

  void add(Method method, std::string_view pattern, Handler handler, RouteOptions options = {});
  /// `target` as in the request line; what follows `?` is ignored.
  Match match(Method method, std::string_view target) const;

 private:
  struct Node;
  std::unique_ptr<Node> root_;
};

}  // namespace dromos::http
