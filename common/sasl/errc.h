// Why an authentication failed. Clients learn only `malformed`, `mechanism` and `cancelled`; the others all
// read "authentication failed".
#pragma once

#include "common/base/error.h"

namespace dromos::sasl {

enum class Errc { malformed, mechanism, cancelled, bad_credentials, channel_binding, unavailable };

}  // namespace dromos::sasl

template <>
struct dromos::ErrorCategoryOf<dromos::sasl::Errc> {
  static const dromos::ErrorCategory& get();
};
