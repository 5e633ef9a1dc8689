#include "common/store/errc.h"

#include "common/db/errc.h"

namespace dromos {

const ErrorCategory& ErrorCategoryOf<store::StoreErrc>::get() {
  static constexpr std::string_view kNames[] = {
      "not_found", "exists", "has_children", "not_empty",     "not_allowed", "over_quota",
      "blob_gone", "busy",   "unknown",      "cannot_change", "conflict",    "no_permission"};
  static const ErrorCategory category{"store", [](int code) { return kNames[code]; }};
  return category;
}

namespace store {

Error mapped(Error error) {
  const std::string_view state = db::sqlstate_of(error);
  const std::string text = error.message();
  if (state == "DRNOF") return Error(StoreErrc::not_found, text);
  if (state == "DREXI") return Error(StoreErrc::exists, text);
  if (state == "DRCHI") return Error(StoreErrc::has_children, text);
  if (state == "DRNEM") return Error(StoreErrc::not_empty, text);
  if (state == "DRINV") return Error(StoreErrc::not_allowed, text);
  if (state == "DRQUO") return Error(StoreErrc::over_quota, text);
  if (state == "DRCON") return Error(StoreErrc::conflict, text, Retry::temporary);
  if (state == "DRBLO") return Error(StoreErrc::blob_gone, text, Retry::temporary);
  return error;
}

}  // namespace store
}  // namespace dromos
