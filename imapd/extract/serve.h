// The helper's loop: documents in, texts out, until there are no more or it has had enough of them.
#pragma once

#include <cstdint>

#include "imapd/extract/document.h"

namespace dromos::extract {

struct ServeLimits {
  int documents = 100;
  size_t heap = size_t{192} << 20;  ///< a helper that has grown larger ends
  double cpu_seconds = 60;          ///< likewise one that has worked this long
};

/// Returns the exit status: 0 at the end of input or after the last document.
int serve(int in, int out, Extractor& extractor, const ServeLimits& limits);
/// False: nobody reads.
bool write_all(int fd, const char* bytes, size_t size);

}  // namespace dromos::extract
