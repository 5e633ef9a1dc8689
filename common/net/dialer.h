// dial: a connected plain Stream, or why not. TLS is the caller's next step (Stream::start_tls_client).
// Errors are Errc::unavailable, Errc::timeout, or Errc::cancelled once `token` is.
#pragma once

#include <memory>

#include "common/net/stream.h"

namespace dromos::net {

/// `from` binds the local end first (source address of outbound mail); empty: the kernel chooses.
Task<Result<std::unique_ptr<Stream>>> dial(Address to, Deadline deadline, Address from = {},
                                           CancelToken token = {});

}  // namespace dromos::net
