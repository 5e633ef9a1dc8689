// The road of every request: who asks, may they, is the input right, was it answered before; then the
// handler, and after a change the audit log and the epoch hint.
#pragma once

#include <memory>

#include "admind/api/operation.h"
#include "common/http/router.h"

namespace dromos::admind {

inline constexpr char kPrefix[] = "/api/v1";

/// Adds every operation of the table, and openapi.json. `services` outlive the router.
void mount(http::Router& router, Services& services, uint64_t import_limit);

}  // namespace dromos::admind
