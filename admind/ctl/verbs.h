// The verbs that are operations of REST: everything of the table that has one.
#pragma once

#include "admind/ctl/arguments.h"

namespace dromos::admind::ctl {

/// Exit status; -1: no such verb.
int run_operation(const Arguments& arguments);
/// Verbs with their summaries; `word` narrows to one group.
std::string verbs_help(const std::string& word);

}  // namespace dromos::admind::ctl
