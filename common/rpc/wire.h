// How gRPC writes itself into HTTP/2 (its PROTOCOL-HTTP2 document): messages behind five bytes, timeouts and
// status texts in fields. Pure: bytes in, values out; bounds are the caller's.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/base/clock.h"
#include "common/base/result.h"

namespace dromos::rpc {

/// `message` as it stands in DATA frames, uncompressed.
std::string framed(std::string_view message);

/// Messages out of DATA, however it is cut.
class MessageReader {
 public:
  explicit MessageReader(size_t max) : max_(max) {}
  void feed(std::string_view bytes) { buffer_.append(bytes); }
  /// The next whole message, or nothing yet. Compressed, or longer than `max`: an error, and the end.
  Result<std::optional<std::string>> next();
  /// Bytes that are no whole message yet.
  size_t pending() const { return buffer_.size() - at_; }

 private:
  size_t max_;
  std::string buffer_;
  size_t at_ = 0;
};

/// "1500m": at most eight digits and a unit.
std::string timeout_text(microseconds timeout);
std::optional<microseconds> parse_timeout(std::string_view text);

/// grpc-message: bytes outside of printable ASCII, and '%', as %XX.
std::string percent_encoded(std::string_view text);
/// What is not %XX stays as it is.
std::string percent_decoded(std::string_view text);

}  // namespace dromos::rpc
