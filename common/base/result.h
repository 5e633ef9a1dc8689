// Result<T>: a value or an Error. The only file that includes tl::expected.
//
// TRY / CO_TRY unwrap: `CO_TRY(auto rows, co_await conn.exec(q));` declares rows or returns the error.
// They are statements, never expressions (docs/STYLE.md, coroutine hazards).
#pragma once

#include <tl/expected.hpp>

#include "common/base/error.h"

namespace dromos {

template <class T = void>
using Result = tl::expected<T, Error>;

using Unexpected = tl::unexpected<Error>;

inline Unexpected fail(Error error) {
  return Unexpected(std::move(error));
}
template <ErrorEnum E>
Unexpected fail(E code, std::string message, Retry retry = Retry::permanent) {
  return Unexpected(Error(code, std::move(message), retry));
}

}  // namespace dromos

#define DROMOS_CAT2(a, b) a##b
#define DROMOS_CAT(a, b) DROMOS_CAT2(a, b)

#define DROMOS_TRY_IMPL(ret, tmp, decl, ...)                  \
  auto tmp = __VA_ARGS__;                                     \
  if (!tmp) ret ::dromos::Unexpected(std::move(tmp).error()); \
  decl = std::move(*tmp)
#define TRY(decl, ...) DROMOS_TRY_IMPL(return, DROMOS_CAT(try_, __LINE__), decl, __VA_ARGS__)
#define CO_TRY(decl, ...) DROMOS_TRY_IMPL(co_return, DROMOS_CAT(try_, __LINE__), decl, __VA_ARGS__)

#define DROMOS_CHECK_IMPL(ret, tmp, ...)                        \
  do {                                                          \
    auto tmp = __VA_ARGS__;                                     \
    if (!tmp) ret ::dromos::Unexpected(std::move(tmp).error()); \
  } while (false)
/// For Result<void>, or where the value is not wanted.
#define TRY_VOID(...) DROMOS_CHECK_IMPL(return, DROMOS_CAT(try_, __LINE__), __VA_ARGS__)
#define CO_TRY_VOID(...) DROMOS_CHECK_IMPL(co_return, DROMOS_CAT(try_, __LINE__), __VA_ARGS__)
