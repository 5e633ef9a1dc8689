#include "common/http/codec.h"

#include <algorithm>

#include "common/base/strings.h"
#include "common/http/http_parser_wrapper.h"

namespace dromos::http {
namespace {

using Kind = ParseEvent::Kind;

constexpr size_t kMaxMethod = 32;
constexpr std::string_view kVersionShape = "HTTP/1.1";

/// nullptr if the request line is `method SP target SP HTTP/d.d`; http_parser takes more blanks than that.
const char* check_request_line(std::string_view line, int& status) {
  status = 400;
  const auto parts = split(line, ' ');
  if (parts.size() != 3 || parts[0].empty() || parts[1].empty()) return "bad request line";
  if (!is_token(parts[0])) return "bad method";
  const std::string_view version = parts[2];
  if (version.size() != kVersionShape.size() || !version.starts_with("HTTP/") || !is_digit(version[5]) ||
      version[6] != '.' || !is_digit(version[7]))
    return "bad HTTP version";
  for (const char c : parts[1])
    if (static_cast<unsigned char>(c) <= 0x20 || static_cast<unsigned char>(c) >= 0x7f || c == '#' ||
        c == '\\' || c == '"' || c == '<' || c == '>')
      return "bad character in request target";
  if (version[5] != '1' || version[7] > '1') {
    status = 505;
    return "only HTTP/1.0 and HTTP/1.1 are spoken here";
  }
  if (!parse_method(parts[0]) || parts[0] == "CONNECT") {
    status = 501;
    return "unknown method";
  }
  return nullptr;
}

bool good_host(std::string_view host) {
  if (host.empty()) return false;
  return std::all_of(host.begin(), host.end(), [](char c) {
    return is_alpha(c) || is_digit(c) || std::string_view("-._~%:[]").find(c) != std::string_view::npos;
  });
}

/// Absolute form becomes origin form; the authority must be what Host says (RFC 9112 §3.2.2 lets it win).
const char* normalize_target(std::string_view raw, Method method, std::string_view host,
                             std::string& target) {
  if (raw.front() == '/') {
    target = raw;
    return nullptr;
  }
  if (raw == "*") {
    if (method != Method::options) return "target * is for OPTIONS";
    target = raw;
    return nullptr;
  }
  size_t skip = istarts_with(raw, "http://") ? 7 : istarts_with(raw, "https://") ? 8 : 0;
  if (skip == 0) return "bad request target";
  raw.remove_prefix(skip);
  const size_t end = std::min(raw.find_first_of("/?"), raw.size());
  if (!iequals(raw.substr(0, end), host) || host.empty()) return "request target and Host differ";
  raw.remove_prefix(end);
  target = raw.empty() || raw.front() == '?' ? "/" + std::string(raw) : std::string(raw);
  return nullptr;
}

/// Content-Length and Transfer-Encoding of either kind of message; nullptr or why not.
const char* read_framing(const Headers& headers, int version_minor, std::optional<uint64_t>& length,
                         bool& chunked, int& status) {
  status = 400;
  const size_t lengths = headers.count("content-length");
  const size_t codings = headers.count("transfer-encoding");
  if (lengths > 1) return "more than one Content-Length";
  if (codings > 1) return "more than one Transfer-Encoding";
  if (lengths == 1 && codings == 1) return "Content-Length with Transfer-Encoding";
  if (codings == 1) {
    if (version_minor == 0) return "Transfer-Encoding in HTTP/1.0";
    if (!iequals(headers.value("transfer-encoding"), "chunked")) {
      status = 501;
      return "only the transfer coding chunked is understood";
    }
    chunked = true;
  }
  if (lengths == 1) {
    const std::string_view text = headers.value("content-length");
    const bool digits = !text.empty() && text.size() <= 18 && std::all_of(text.begin(), text.end(), is_digit);
    if (!digits) return "bad Content-Length";
    length = parse_number<uint64_t>(text);
  }
  return nullptr;
}

bool read_keep_alive(const Headers& headers, int version_minor) {
  if (headers.list_has("connection", "close")) return false;
  return version_minor >= 1 || headers.list_has("connection", "keep-alive");
}

ParseEvent body_event(BodyDecoder& body, std::string_view bytes) {
  ParseEvent event;
  switch (body.feed(bytes, event.consumed, event.data)) {
    case BodyDecoder::State::need_more:
      event.kind = Kind::need_more;
      break;
    case BodyDecoder::State::data:
      event.kind = Kind::body;
      break;
    case BodyDecoder::State::end:
      event.kind = Kind::end;
      break;
    case BodyDecoder::State::error:
      event.kind = Kind::error;
      break;
  }
  return event;
}

}  // namespace

template <class Head>
void MessageParser<Head>::next() {
  state_ = State::head;
  head_reader_.reset();
  head_ = {};
  error_ = {};
}

template <class Head>
ParseEvent MessageParser<Head>::fail(size_t consumed, ParseError error) {
  state_ = State::failed;
  error_ = error;
  return {Kind::error, consumed, {}};
}

template <class Head>
ParseEvent MessageParser<Head>::feed(std::string_view bytes) {
  if (state_ == State::failed) return {Kind::error, 0, {}};
  if (state_ == State::done) return {Kind::end, 0, {}};
  if (state_ == State::head) {
    size_t consumed = 0;
    switch (head_reader_.feed(bytes, consumed)) {
      case HeadReader::State::need_more:
        return {Kind::need_more, consumed, {}};
      case HeadReader::State::error:
        return fail(consumed, head_reader_.error());
      case HeadReader::State::done:
        return finish_head(consumed);
    }
  }
  ParseEvent event = body_event(body_, bytes);
  if (event.kind == Kind::end) state_ = State::done;
  if (event.kind == Kind::error) return fail(event.consumed, body_.error());
  return event;
}

template <class Head>
ParseEvent MessageParser<Head>::start_body(BodyKind kind, size_t consumed) {
  body_.start(kind, head_.content_length.value_or(0));
  state_ = State::body;
  return {Kind::head, consumed, {}};
}

template class MessageParser<RequestHead>;
template class MessageParser<ResponseHead>;

RequestParser::RequestParser(const ParserLimits& limits)
    : MessageParser(limits, limits.target_bytes + kMaxMethod + 12), target_bytes_(limits.target_bytes) {}

ParseEvent RequestParser::finish_head(size_t consumed) {
  int status = 400;
  if (const char* wrong = check_request_line(head_reader_.start_line(), status))
    return fail(consumed, {status, 0, wrong});
  RawHead raw;
  Headers& headers = head_.headers;
  // Framing is judged before http_parser sees it only in its own reading; ours comes first in the answer.
  const char* library = split_request_head(head_reader_.bytes(), raw, headers);
  if (library == nullptr || headers.size() == head_reader_.fields()) {
    head_.version_minor = head_reader_.start_line().back() - '0';
    if (const char* wrong =
            read_framing(headers, head_.version_minor, head_.content_length, head_.chunked, status))
      return fail(consumed, {status, 0, wrong});
  }
  if (library != nullptr || !raw.method || headers.size() != head_reader_.fields())
    return fail(consumed, {400, 0, library != nullptr ? library : "header fields read differently"});
  head_.method = *raw.method;
  head_.keep_alive = read_keep_alive(headers, head_.version_minor);

  const size_t hosts = headers.count("host");
  if (hosts > 1) return fail(consumed, {400, 0, "more than one Host"});
  if (hosts == 0 && head_.version_minor >= 1) return fail(consumed, {400, 0, "Host is missing"});
  if (hosts == 1 && !good_host(headers.value("host"))) return fail(consumed, {400, 0, "bad Host"});
  if (raw.target.size() > target_bytes_) return fail(consumed, {414, 0, "request target too long"});
  if (const char* wrong = normalize_target(raw.target, head_.method, headers.value("host"), head_.target))
    return fail(consumed, {400, 0, wrong});
  if (headers.has("expect") && head_.version_minor >= 1) {
    if (headers.count("expect") > 1 || !iequals(headers.value("expect"), "100-continue"))
      return fail(consumed, {417, 0, "unknown expectation"});
    head_.expect_continue = head_.has_body();
  }
  return start_body(head_.chunked          ? BodyKind::chunked
                    : head_.content_length ? BodyKind::fixed
                                           : BodyKind::none,
                    consumed);
}

ResponseParser::ResponseParser(const ParserLimits& limits) : MessageParser(limits, limits.target_bytes) {}

ParseEvent ResponseParser::feed_eof() {
  if (state_ == State::body && body_.kind() == BodyKind::until_close) {
    state_ = State::done;
    return {Kind::end, 0, {}};
  }
  if (state_ == State::done) return {Kind::end, 0, {}};
  return fail(0, {502, 0, "connection closed inside the response"});
}

ParseEvent ResponseParser::finish_head(size_t consumed) {
  RawHead raw;
  int status = 400;
  if (const char* wrong = split_response_head(head_reader_.bytes(), raw, head_.headers))
    return fail(consumed, {502, 0, wrong});
  if (raw.version_major != 1 || raw.version_minor > 1 || raw.status < 100 || raw.status > 599)
    return fail(consumed, {502, 0, "bad status line"});
  head_.status = raw.status;
  head_.version_minor = raw.version_minor;
  if (const char* wrong =
          read_framing(head_.headers, raw.version_minor, head_.content_length, head_.chunked, status))
    return fail(consumed, {502, 0, wrong});
  head_.keep_alive = read_keep_alive(head_.headers, raw.version_minor);
  const bool bodiless =
      request_method_ == Method::head || raw.status < 200 || raw.status == 204 || raw.status == 304;
  BodyKind kind = BodyKind::none;
  if (!bodiless) {
    kind = head_.chunked ? BodyKind::chunked : head_.content_length ? BodyKind::fixed : BodyKind::until_close;
    if (kind == BodyKind::until_close) head_.keep_alive = false;
  }
  return start_body(kind, consumed);
}

}  // namespace dromos::http
