// DROMOS_ASSERT: a broken invariant ends the process with its place on stderr. User input never reaches one.
#pragma once

namespace dromos {
[[noreturn]] void assert_failed(const char* expression, const char* file, int line);
}

#define DROMOS_ASSERT(expr) \
  ((expr) ? static_cast<void>(0) : ::dromos::assert_failed(#expr, __FILE__, __LINE__))
