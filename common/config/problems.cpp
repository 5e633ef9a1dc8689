#include "common/config/problems.h"

#include <utility>

namespace dromos::config {

std::string Problem::text() const {
  std::string out = where + ": ";
  if (!key.empty()) out += key + ": ";
  return out + what;
}

void Problems::add(Problem problem) {
  if (list_.size() < kMaxKept) {
    list_.push_back(std::move(problem));
  } else {
    ++dropped_;
  }
}

std::string Problems::text() const {
  std::string out;
  for (const Problem& problem : list_) out += problem.text() + "\n";
  if (dropped_ > 0) out += "... and " + std::to_string(dropped_) + " more\n";
  return out;
}

}  // namespace dromos::config
