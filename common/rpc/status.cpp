#include "common/rpc/status.h"

#include <grpcpp/support/status_code_enum.h>

namespace dromos::rpc {

int status_code(const Error& error) {
  switch (error.retry()) {
    case Retry::timeout:
      return grpc::StatusCode::DEADLINE_EXCEEDED;
    case Retry::cancelled:
      return grpc::StatusCode::CANCELLED;
    case Retry::temporary:
      return grpc::StatusCode::UNAVAILABLE;
    case Retry::permanent:
      break;
  }
  if (error.is(Errc::not_found)) return grpc::StatusCode::NOT_FOUND;
  if (error.is(Errc::permission_denied)) return grpc::StatusCode::PERMISSION_DENIED;
  if (error.is(Errc::already_exists)) return grpc::StatusCode::ALREADY_EXISTS;
  if (error.is(Errc::limit_exceeded)) return grpc::StatusCode::RESOURCE_EXHAUSTED;
  if (error.is(Errc::invalid_argument)) return grpc::StatusCode::INVALID_ARGUMENT;
  return grpc::StatusCode::INTERNAL;
}

Error error_of_status(int code, std::string message) {
  switch (code) {
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return timeout_error(std::move(message));
    case grpc::StatusCode::CANCELLED:
      return cancelled_error(std::move(message));
    case grpc::StatusCode::UNAVAILABLE:
      return unavailable_error(std::move(message));
    case grpc::StatusCode::NOT_FOUND:
      return Error(Errc::not_found, std::move(message));
    case grpc::StatusCode::PERMISSION_DENIED:
      return Error(Errc::permission_denied, std::move(message));
    case grpc::StatusCode::ALREADY_EXISTS:
      return Error(Errc::already_exists, std::move(message));
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
      return Error(Errc::limit_exceeded, std::move(message), Retry::temporary);
    case grpc::StatusCode::INVALID_ARGUMENT:
      return Error(Errc::invalid_argument, std::move(message));
    default:
      return Error(Errc::internal, std::move(message));
  }
}

}  // namespace dromos::rpc
