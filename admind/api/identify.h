// From the Authorization header to an Actor.
#pragma once

#include "admind/api/actor.h"
#include "common/async/task.h"
#include "common/base/clock.h"
#include "common/base/result.h"
#include "common/http/message.h"

namespace dromos::admind {

struct Services;

/// Bearer: an API key. Basic: an account by its own password (no app password), or an administrator by name
/// and password. Nobody without the header.
Task<Result<Actor>> identify(Services& services, const http::Request& request, Deadline deadline);

}  // namespace dromos::admind
