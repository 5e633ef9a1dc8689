#include "common/base/fault.h"

#ifdef DROMOS_TESTING

#include <signal.h>

#include <atomic>
#include <cstdlib>
#include <list>
#include <string>

#include "common/base/strings.h"

namespace dromos::fault {
namespace {

struct Point {
  std::string name;
  std::string action;
  std::atomic<long> left;
};

std::list<Point> parse() {
  std::list<Point> points;
  const char* text = std::getenv("DROMOS_FAULT");
  if (text == nullptr) return points;
  for (const auto item : split(text, ',')) {
    const auto parts = split(item, ':');
    Point& point = points.emplace_back();
    point.name = parts[0];
    point.left = parts.size() > 1 ? parse_number<long>(parts[1]).value_or(1) : 1;
    point.action = parts.size() > 2 ? parts[2] : "kill";
  }
  return points;
}

}  // namespace

bool hit(const char* name) {
  static std::list<Point> points = parse();
  for (Point& point : points) {
    if (point.name != name || point.left.fetch_sub(1) != 1) continue;
    if (point.action == "fail") return true;
    ::raise(point.action == "stop" ? SIGSTOP : SIGKILL);
  }
  return false;
}

bool sabotage(const char* name) {
  static const std::string wanted = [] {
    const char* text = std::getenv("DROMOS_SABOTAGE");
    return std::string(text != nullptr ? text : "");
  }();
  return !wanted.empty() && wanted == name;
}

}  // namespace dromos::fault

#endif
