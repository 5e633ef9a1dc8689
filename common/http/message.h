// What handlers see: a Request whose body is read in pieces, a Response with a body or a BodySource.
//
// A handler reads the body (or not) and returns a Response; framing, keep-alive, 100-continue, HEAD, Date and
// the refusal of broken bodies are the server's work. If reading the body failed, whatever the handler
// returns is replaced by the matching 4xx and the connection is closed.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/async/task.h"
#include "common/base/clock.h"
#include "common/base/ids.h"
#include "common/base/result.h"
#include "common/http/headers.h"
#include "common/http/method.h"
#include "common/net/address.h"

namespace dromos::http {

/// Gives the pieces of a request's body; the server's side of Request::read().
class RequestBody {
 public:
  virtual ~RequestBody() = default;
  /// Empty at the end. The view is good until the next call.
  virtual Task<Result<std::string_view>> read() = 0;
  virtual Task<Result<std::string>> read_all() = 0;
};

class Request {
 public:
  Method method = Method::get;
  std::string target;  // as sent
  std::string path;    // before `?`, still percent-encoded
  std::string query_string;
  Headers headers;
  /// Pattern parameters, decoded UTF-8 without control characters, `/` only if it was %2F.
  std::vector<std::pair<std::string_view, std::string>> parameters;
  net::Address peer;
  bool tls = false;
  TraceId trace;
  std::string_view route;  // the pattern that matched, for metrics

  /// Empty if the pattern has no such parameter.
  std::string_view parameter(std::string_view name) const;
  /// The first query value of that name, decoded.
  std::optional<std::string> query(std::string_view name) const;

  /// The next piece of the body, empty at the end.
  Task<Result<std::string_view>> read() { return body->read(); }
  /// The whole body, within the route's limit and the server's byte budget.
  Task<Result<std::string>> read_all() { return body->read_all(); }

  RequestBody* body = nullptr;
};

/// A response body made piece by piece as the client takes it (backpressure: next() is called when the last
/// piece is in the socket).
class BodySource {
 public:
  virtual ~BodySource() = default;
  /// Known size: sent as Content-Length, and must be kept. Unknown: chunked.
  virtual std::optional<uint64_t> size() const { return std::nullopt; }
  /// Empty ends the body. An error breaks the connection, so that the client sees a torn body, never a short
  /// one. The view is good until the next call.
  virtual Task<Result<std::string_view>> next() = 0;
  /// Streams without end: the server watches for the client leaving and calls stop() then, and at drain.
  virtual bool endless() const { return false; }
  /// next() shall return empty soon.
  virtual void stop() {}
};

struct Response {
  int status = 200;
  Headers headers;
  std::string body;
  std::unique_ptr<BodySource> source;  // instead of body
  bool close = false;                  // end the connection after this answer

  Response() = default;
  explicit Response(int code) : status(code) {}
  Response(int code, std::string_view content_type, std::string text) : status(code), body(std::move(text)) {
    headers.add("Content-Type", content_type);
  }
};

using Handler = std::function<Task<Response>(Request&)>;

std::string_view reason_phrase(int status);

}  // namespace dromos::http
