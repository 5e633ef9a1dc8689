// SQLSTATE -> DbErrc and retry class, in one place.
#include <libpq-fe.h>

#include "common/base/strings.h"
#include "common/db/errc.h"
#include "common/db/result_error.h"

namespace dromos {

const ErrorCategory& ErrorCategoryOf<db::DbErrc>::get() {
  static constexpr std::string_view kNames[] = {
      "connection_lost",      "unavailable",       "timeout", "serialization", "unique_violation",
      "constraint_violation", "permission_denied", "aborted", "raised",        "query_error"};
  static const ErrorCategory category{"db", [](int code) { return kNames[code]; }};
  return category;
}

namespace db {
namespace {

struct Mapped {
  DbErrc code;
  Retry retry;
};

Mapped map(std::string_view state) {
  if (state == "40001" || state == "40P01") return {DbErrc::serialization, Retry::temporary};
  if (state == "55P03" || state == "57014" || state == "25P03" || state == "25P04")
    return {DbErrc::timeout, Retry::temporary};
  if (state == "23505") return {DbErrc::unique_violation, Retry::permanent};
  if (state.starts_with("23")) return {DbErrc::constraint_violation, Retry::permanent};
  if (state == "42501") return {DbErrc::permission_denied, Retry::permanent};
  if (state.starts_with("57P")) return {DbErrc::connection_lost, Retry::temporary};
  if (state.starts_with("08") || state.starts_with("53") || state.starts_with("58") || state == "25006")
    return {DbErrc::unavailable, Retry::temporary};
  if (state.starts_with("P0") || state.starts_with("DR")) return {DbErrc::raised, Retry::permanent};
  return {DbErrc::query_error, Retry::permanent};
}

}  // namespace

Error error_of(const pg_result* result) {
  const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  const char* text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  const std::string_view code = state != nullptr ? state : "";
  const Mapped mapped = code.empty() ? Mapped{DbErrc::connection_lost, Retry::temporary} : map(code);
  return Error(mapped.code,
               "[" + std::string(code) + "] " + (text != nullptr ? text : PQresultErrorMessage(result)),
               mapped.retry);
}

std::string_view sqlstate_of(const Error& error) {
  // Callers may have prefixed context, so the mark is looked for, not assumed in front.
  const std::string_view text = error.message();
  for (size_t at = text.find('['); at != std::string_view::npos; at = text.find('[', at + 1))
    if (at + 6 < text.size() && text[at + 6] == ']') return text.substr(at + 1, 5);
  return "";
}

}  // namespace db
}  // namespace dromos
