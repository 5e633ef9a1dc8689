// What DNS adds to base errors.
#pragma once

#include "common/base/error.h"

namespace dromos::dns {

enum class Errc {
  bad_name,   // not a domain name; permanent
  server,     // SERVFAIL, REFUSED, unreachable; temporary
  bogus,      // DNSSEC validation failed; temporary
  malformed,  // the answer could not be read; temporary
};

}  // namespace dromos::dns

template <>
struct dromos::ErrorCategoryOf<dromos::dns::Errc> {
  static const ErrorCategory& get();
};
