// Failures as JMAP tells them: of a method (RFC 8620 §3.6.2) and of one record of a /set (§5.3).
//
// Outcome<T> is Result<T> in JMAP's words; an Error of the layers below becomes serverUnavailable (the same
// call may succeed later) or serverFail. JM_TRY and JM_CHECK are CO_TRY for outcomes, of either kind.
#pragma once

#include <string>
#include <vector>

#include "common/base/result.h"

namespace dromos::jmapd {

/// Also a SetError: `properties` names those at fault.
struct MethodError {
  std::string type;
  std::string description;
  std::vector<std::string> properties;
  std::vector<std::string> not_found;  ///< of blobNotFound

  explicit MethodError(std::string kind, std::string text = {}, std::vector<std::string> which = {})
      : type(std::move(kind)), description(std::move(text)), properties(std::move(which)) {}
  MethodError(Error error);  // NOLINT: implicit, so that outcomes pass errors on
  bool is(std::string_view kind) const { return type == kind; }
};

template <class T = void>
using Outcome = tl::expected<T, MethodError>;

inline tl::unexpected<MethodError> refuse(std::string type, std::string text = {},
                                          std::vector<std::string> properties = {}) {
  return tl::unexpected<MethodError>(MethodError(std::move(type), std::move(text), std::move(properties)));
}
inline tl::unexpected<MethodError> invalid_arguments(std::string text) {
  return refuse("invalidArguments", std::move(text));
}
inline tl::unexpected<MethodError> invalid_property(std::string property, std::string text = {}) {
  return refuse("invalidProperties", std::move(text), {std::move(property)});
}

}  // namespace dromos::jmapd

#define JM_TRY_IMPL(ret, tmp, decl, ...)                                                                    \
  auto tmp = __VA_ARGS__;                                                                                   \
  if (!tmp)                                                                                                 \
    ret tl::unexpected<::dromos::jmapd::MethodError>(::dromos::jmapd::MethodError(std::move(tmp).error())); \
  decl = std::move(*tmp)
/// In coroutines; JR_TRY in plain functions.
#define JM_TRY(decl, ...) JM_TRY_IMPL(co_return, DROMOS_CAT(jm_, __LINE__), decl, __VA_ARGS__)
#define JR_TRY(decl, ...) JM_TRY_IMPL(return, DROMOS_CAT(jm_, __LINE__), decl, __VA_ARGS__)
#define JM_CHECK_IMPL(ret, tmp, ...)                             \
  do {                                                           \
    auto tmp = __VA_ARGS__;                                      \
    if (!tmp)                                                    \
      ret tl::unexpected<::dromos::jmapd::MethodError>(          \
          ::dromos::jmapd::MethodError(std::move(tmp).error())); \
  } while (false)
#define JM_CHECK(...) JM_CHECK_IMPL(co_return, DROMOS_CAT(jm_, __LINE__), __VA_ARGS__)
#define JR_CHECK(...) JM_CHECK_IMPL(return, DROMOS_CAT(jm_, __LINE__), __VA_ARGS__)
