#include "jmapd/protocol/error.h"

namespace dromos::jmapd {

MethodError::MethodError(Error error)
    : type(error.may_retry() ? "serverUnavailable" : "serverFail"), description(error.to_string()) {}

}  // namespace dromos::jmapd
