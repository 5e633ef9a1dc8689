// Idempotency-Key on POST: the first request runs, its answer is kept for a day, later ones with the same key
// get that answer. Secrets in answers are not kept: a repeat of "create a key" tells its id, not its text.
#pragma once

#include "admind/api/operation.h"

namespace dromos::admind {

Task<http::Response> execute_once(const Operation& op, Call& call,
                                  Task<http::Response> (*execute)(const Operation&, Call&));

}  // namespace dromos::admind
