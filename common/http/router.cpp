#include "common/http/router.h"

#include <algorithm>
#include <map>

#include "common/base/assert.h"
#include "common/base/strings.h"
#include "common/http/path.h"

namespace dromos::http {

struct Router::Node {
  std::map<std::string, std::unique_ptr<Node>, std::less<>> literals;
  std::unique_ptr<Node> parameter;
  std::unique_ptr<Node> rest;
  std::map<Method, Route> routes;
};

namespace {

using Segments = std::vector<std::string>;

std::string join_rest(const Segments& segments, size_t from) {
  std::string out;
  for (size_t i = from; i < segments.size(); ++i) {
    if (i > from) out += '/';
    out += segments[i];
  }
  return out;
}

/// The node for segments[at..]; `values` holds the parameters on the way there. Depth is the pattern's.
template <class Node>
const Node* find(const Node& node, const Segments& segments, size_t at, std::vector<std::string>& values) {
  if (at == segments.size()) {
    if (!node.routes.empty()) return &node;
  } else {
    if (const auto it = node.literals.find(segments[at]); it != node.literals.end())
      if (const Node* found = find(*it->second, segments, at + 1, values)) return found;
    if (node.parameter && !segments[at].empty()) {
      values.push_back(segments[at]);
      if (const Node* found = find(*node.parameter, segments, at + 1, values)) return found;
      values.pop_back();
    }
  }
  // An encoded slash would look like a real one in the joined rest ("a%2F..%2Fb"): such a path is not there.
  const bool ambiguous = std::any_of(segments.begin() + static_cast<std::ptrdiff_t>(at), segments.end(),
                                     [](const std::string& s) { return s.find('/') != std::string::npos; });
  if (node.rest && !ambiguous) {
    values.push_back(join_rest(segments, at));
    return node.rest.get();
  }
  return nullptr;
}

template <class Node>
std::string allowed(const Node& node) {
  std::vector<std::string> names{"OPTIONS"};
  for (const auto& [method, route] : node.routes) {
    names.emplace_back(method_name(method));
    if (method == Method::get) names.emplace_back("HEAD");
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return join(names, ", ");
}

}  // namespace

Router::Router() : root_(std::make_unique<Node>()) {}
Router::~Router() = default;
Router::Router(Router&&) noexcept = default;
Router& Router::operator=(Router&&) noexcept = default;

void Router::add(Method method, std::string_view pattern, Handler handler, RouteOptions options) {
  DROMOS_ASSERT(!pattern.empty() && pattern.front() == '/');
  Route route{std::string(pattern), {}, std::move(handler), options};
  Node* node = root_.get();
  for (std::string_view segment : split(pattern.substr(1), '/')) {
    DROMOS_ASSERT(node != nullptr);
    std::unique_ptr<Node>* child;
    if (segment.starts_with('{')) {
      DROMOS_ASSERT(segment.ends_with('}') && segment.size() > 2);
      segment = segment.substr(1, segment.size() - 2);
      const bool rest = segment.ends_with("...");
      if (rest) segment.remove_suffix(3);
      route.names.emplace_back(segment);
      child = rest ? &node->rest : &node->parameter;
    } else {
      DROMOS_ASSERT(segment.find_first_of("{}%") == std::string_view::npos);
      child = &node->literals[std::string(segment)];
    }
    if (!*child) *child = std::make_unique<Node>();
    node = child->get();
  }
  const bool added = node->routes.emplace(method, std::move(route)).second;
  DROMOS_ASSERT(added);
}

Match Router::match(Method method, std::string_view target) const {
  Match out;
  if (target == "*") {
    out.status = method == Method::options ? 204 : 400;
    out.allow = "GET, HEAD, OPTIONS, POST";
    return out;
  }
  const auto segments = split_path(target.substr(0, target.find('?')));
  if (!segments) {
    out.status = 400;
    return out;
  }
  std::vector<std::string> values;
  const Node* node = find(*root_, *segments, 0, values);
  if (node == nullptr) {
    out.status = 404;
    return out;
  }
  auto it = node->routes.find(method);
  if (it == node->routes.end() && method == Method::head) it = node->routes.find(Method::get);
  if (it == node->routes.end()) {
    out.status = method == Method::options ? 204 : 405;
    out.allow = allowed(*node);
    return out;
  }
  out.route = &it->second;
  for (size_t i = 0; i < values.size() && i < out.route->names.size(); ++i)
    out.parameters.emplace_back(out.route->names[i], std::move(values[i]));
  return out;
}

}  // namespace dromos::http
