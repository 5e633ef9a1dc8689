// Internal to common/db: the error a failed PGresult stands for.
#pragma once

#include "common/base/error.h"

struct pg_result;

namespace dromos::db {
Error error_of(const pg_result* result);
}
