// Why the directory refused. Towards clients bad_credentials, disabled and scope all read "authentication
// failed".
#pragma once

#include "common/base/error.h"

namespace dromos::directory {

enum class Errc {
  bad_credentials,  // wrong password, unknown login, expired or foreign key
  disabled,         // right secret, but account or domain is switched off
  scope,            // right secret, but not for this service
  throttled,        // too many failures from there; try later
  busy,             // too many password hashes are waiting
  invalid_address,
  invalid_hash,
};

}  // namespace dromos::directory

template <>
struct dromos::ErrorCategoryOf<dromos::directory::Errc> {
  static const dromos::ErrorCategory& get();
};
