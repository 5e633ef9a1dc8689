// The OpenAPI 3.1 document of the table of operations.
#pragma once

#include <string>

namespace dromos::admind {

/// Made at first use, the same for the life of the process.
const std::string& openapi_text();

}  // namespace dromos::admind
