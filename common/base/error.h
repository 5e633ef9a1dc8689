// Error: an expected failure as a value. Module code + short text + retry class.
//
// Each module has its own enum in <module>/errc.h, made an error code by specialising ErrorCategoryOf;
// failures that need no vocabulary of their own use base::Errc. The retry class is what protocols map to
// SMTP 4xx/5xx, IMAP [UNAVAILABLE], JMAP serverUnavailable and gRPC status, so choose it with care:
// `temporary` promises that the same request may succeed later without being changed.
#pragma once

#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace dromos {

enum class Retry { permanent, temporary, timeout, cancelled };

struct ErrorCategory {
  std::string_view name;
  std::string_view (*describe)(int code);
};

/// Specialise with `static const ErrorCategory& get();` to make enum E an error code.
template <class E>
struct ErrorCategoryOf;

template <class E>
concept ErrorEnum = std::is_enum_v<E> && requires { ErrorCategoryOf<E>::get(); };

/// The failures every module shares.
enum class Errc {
  invalid_argument,
  not_found,
  already_exists,
  permission_denied,
  limit_exceeded,
  conflict,
  unavailable,
  timeout,
  cancelled,
  closed,
  internal,
};

template <>
struct ErrorCategoryOf<Errc> {
  static const ErrorCategory& get();
};

class [[nodiscard]] Error {
 public:
  template <ErrorEnum E>
  Error(E code, std::string message, Retry retry = Retry::permanent)
      : category_(&ErrorCategoryOf<E>::get()),
        code_(static_cast<int>(code)),
        retry_(retry),
        message_(std::move(message)) {}

  template <ErrorEnum E>
  bool is(E code) const {
    return category_ == &ErrorCategoryOf<E>::get() && code_ == static_cast<int>(code);
  }

  Retry retry() const { return retry_; }
  /// True for temporary, timeout and cancelled: the sender may try again.
  bool may_retry() const { return retry_ != Retry::permanent; }
  const std::string& message() const { return message_; }
  std::string_view category() const { return category_->name; }
  std::string_view code_name() const { return category_->describe(code_); }

  /// Prefixes the text as the error rises: "fetching blob 17: connection lost".
  Error with_context(std::string_view what) &&;
  /// "category/code: message", for logs.
  std::string to_string() const;

 private:
  const ErrorCategory* category_;
  int code_;
  Retry retry_;
  std::string message_;
};

inline Error timeout_error(std::string what) {
  return Error(Errc::timeout, std::move(what), Retry::timeout);
}
inline Error unavailable_error(std::string what) {
  return Error(Errc::unavailable, std::move(what), Retry::temporary);
}
inline Error cancelled_error(std::string what) {
  return Error(Errc::cancelled, std::move(what), Retry::cancelled);
}

}  // namespace dromos
