// Failures of the database as callers tell them apart. SQLSTATEs are mapped once, in error.cpp.
#pragma once

#include "common/base/error.h"

namespace dromos::db {

enum class DbErrc {
  connection_lost,  ///< outcome unknown if the call was sent; temporary
  unavailable,      ///< cannot connect, starting up, read-only, too many connections; temporary
  timeout,          ///< deadline, lock_timeout or statement_timeout; temporary
  serialization,    ///< deadlock or serialization failure; temporary
  unique_violation,
  constraint_violation,
  permission_denied,
  aborted,      ///< another call of the same pipeline failed, this one had no effect
  raised,       ///< RAISE in one of our functions; sqlstate() tells which
  query_error,  ///< a bug: syntax, missing table or function, type mismatch
};

/// The SQLSTATE of an error made by this library ("23505"), or "" for others.
std::string_view sqlstate_of(const Error& error);

}  // namespace dromos::db

template <>
struct dromos::ErrorCategoryOf<dromos::db::DbErrc> {
  static const ErrorCategory& get();
};
