// Error <-> gRPC status code, in one place. Codes are numbers here so that headers stay free of grpcpp.
#pragma once

#include <string>

#include "common/base/error.h"

namespace dromos::rpc {

int status_code(const Error& error);
Error error_of_status(int code, std::string message);

}  // namespace dromos::rpc
