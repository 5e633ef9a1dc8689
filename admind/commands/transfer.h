// Bulk import and export of accounts as CSV or JSON. What is exported can be imported.
#pragma once

#include "admind/commands/common.h"

namespace dromos::admind {

void add_transfer(Resource& accounts);

}  // namespace dromos::admind
