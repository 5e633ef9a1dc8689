// From words and options to a request of an operation. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "admind/api/operation.h"
#include "admind/ctl/arguments.h"

namespace dromos::admind::ctl {

/// The operation whose verb the words begin with; nullptr: none.
const Operation* find_operation(const std::vector<std::string>& words);
/// All operations under a first word ("account"), for help.
std::vector<const Operation*> operations_of(const std::string& word);

struct Prepared {
  std::string target;  // with query
  std::string body;    // "" for none
};
/// Words fill the capitals of the verb, options `--display-name` the members and query parameters.
Result<Prepared> prepare(const Operation& op, const Arguments& arguments);

/// "dromosctl account create ADDRESS [--password ...]" and what each option is.
std::string usage(const Operation& op);

}  // namespace dromos::admind::ctl
