// HTTP/1.1 messages from bytes (RFC 9112), push style: feed what came, get one event at a time.
//
// The head is gathered (bounded), checked by head_reader and http_parser, then given out; the body follows in
// pieces that point into the caller's bytes. What two parsers could read differently is refused, not
// repaired: Content-Length with Transfer-Encoding, two Content-Lengths or Hosts, any coding but one
// `chunked`, obs-fold, bare CR or LF, control bytes, blanks before the colon, several blanks in the request
// line. Never throws; after an error the parser stays in error and the connection must be closed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/http/body_decoder.h"
#include "common/http/head_reader.h"
#include "common/http/headers.h"
#include "common/http/method.h"

namespace dromos::http {

struct ParserLimits {
  size_t head_bytes = 64 * 1024;
  size_t fields = 100;
  size_t target_bytes = 8 * 1024;
  BodyLimits body;
};

struct RequestHead {
  Method method = Method::get;
  std::string
      target;  // origin form ("/path?query") or "*"; an absolute form has lost its scheme and authority
  int version_minor = 1;
  Headers headers;
  std::optional<uint64_t> content_length;
  bool chunked = false;
  bool keep_alive = true;
  bool expect_continue = false;
  bool has_body() const { return chunked || content_length.value_or(0) > 0; }
};

struct ResponseHead {
  int status = 0;
  int version_minor = 1;
  Headers headers;
  std::optional<uint64_t> content_length;
  bool chunked = false;
  bool keep_alive = true;
};

struct ParseEvent {
  enum class Kind { need_more, head, body, end, error };
  Kind kind = Kind::need_more;
  size_t consumed = 0;    // of the bytes fed; feed the rest next
  std::string_view data;  // body: a piece of the bytes fed
};

/// What both directions share: the head gathered, then the body, one event at a time. A direction adds
/// finish_head(), which judges the gathered head and starts the body.
template <class Head>
class MessageParser {
 public:
  /// One event. `head` and `end` may consume nothing; call again with the rest until need_more or error.
  ParseEvent feed(std::string_view bytes);
  /// After `head`: how much body the caller takes. A larger Content-Length, or more chunked bytes, is error
  /// 413.
  void set_body_limit(uint64_t bytes) { body_.set_limit(bytes); }
  /// After `end`: ready for the next message on the connection.
  void next();

  Head& head() { return head_; }
  const ParseError& error() const { return error_; }

 protected:
  enum class State { head, body, done, failed };
  MessageParser(const ParserLimits& limits, size_t start_line_bytes)
      : head_reader_(limits.head_bytes, limits.fields, start_line_bytes), body_(limits.body) {}
  ~MessageParser() = default;
  virtual ParseEvent finish_head(size_t consumed) = 0;
  ParseEvent start_body(BodyKind kind, size_t consumed);
  ParseEvent fail(size_t consumed, ParseError error);

  State state_ = State::head;
  HeadReader head_reader_;
  BodyDecoder body_;
  Head head_;
  ParseError error_;
};
extern template class MessageParser<RequestHead>;
extern template class MessageParser<ResponseHead>;

class RequestParser final : public MessageParser<RequestHead> {
 public:
  explicit RequestParser(const ParserLimits& limits = {});
  /// Nothing of a message has come yet: closing the connection now loses nothing.
  bool idle() const { return state_ == State::head && head_reader_.empty(); }

 private:
  ParseEvent finish_head(size_t consumed) override;
  size_t target_bytes_;
};

/// Interim 1xx answers come as `head` followed by `end`.
class ResponseParser final : public MessageParser<ResponseHead> {
 public:
  explicit ResponseParser(const ParserLimits& limits = {});
  /// Before the response: a HEAD request's answer has no body.
  void expect(Method request_method) { request_method_ = request_method; }
  /// The peer closed: ends a body without length, is an error elsewhere.
  ParseEvent feed_eof();

 private:
  ParseEvent finish_head(size_t consumed) override;
  Method request_method_ = Method::get;
};

}  // namespace dromos::http
