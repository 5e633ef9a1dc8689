#include "common/base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace dromos {
void assert_failed(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "level=fatal event=assert.failed expr=\"%s\" at=%s:%d\n", expression, file, line);
  std::abort();
}
}  // namespace dromos
