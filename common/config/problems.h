// All faults of one configuration: each says where, which key, what was found and what is allowed.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace dromos::config {

struct Problem {
  std::string where;  ///< "/etc/dromos/dromos.yaml:12" or "environment DROMOS_MTA__HOSTNAME"
  std::string key;    ///< "mta.limits.recipients"; empty for the file as a whole
  std::string what;   ///< found "many"; allowed: a whole number from 1 to 100000
  std::string text() const;
};

class Problems {
 public:
  /// More than this many are counted, not kept.
  static constexpr size_t kMaxKept = 100;
  void add(Problem problem);
  bool empty() const { return list_.empty(); }
  const std::vector<Problem>& list() const { return list_; }
  /// One line a problem, in the order of the file.
  std::string text() const;

 private:
  std::vector<Problem> list_;
  size_t dropped_ = 0;
};

/// A value, or everything that is wrong with it.
template <class T>
using Checked = tl::expected<T, Problems>;

}  // namespace dromos::config
