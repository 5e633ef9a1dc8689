#include "common/http/codec.h"

#include <catch2/catch.hpp>

using namespace dromos::http;
using Kind = ParseEvent::Kind;

namespace {

struct Outcome {
  std::vector<std::string> messages;  // "METHOD target body"
  int status = 0;
  size_t offset = 0;
  std::string text;
  auto operator<=>(const Outcome&) const = default;
};

/// Feeds `bytes` in pieces of `step`, as the server does: what is not consumed is fed again.
Outcome run(std::string_view bytes, size_t step, const ParserLimits& limits = {}) {
  RequestParser parser(limits);
  Outcome out;
  std::string body;
  while (true) {
    std::string_view piece = bytes.substr(0, step);
    bytes.remove_prefix(piece.size());
    while (true) {
      const ParseEvent event = parser.feed(piece);
      piece.remove_prefix(event.consumed);
      if (event.kind == Kind::error) {
        out.status = parser.error().status;
        out.offset = parser.error().offset;
        out.text = parser.error().text;
        return out;
      }
      if (event.kind == Kind::body) body += event.data;
      if (event.kind == Kind::end) {
        out.messages.push_back(std::string(method_name(parser.head().method)) + " " + parser.head().target +
                               " " + body);
        body.clear();
        parser.next();
      }
      if (event.kind == Kind::need_more) break;
    }
    if (bytes.empty()) return out;
  }
}

Outcome run_both(std::string_view bytes, const ParserLimits& limits = {}) {
  const Outcome whole = run(bytes, bytes.size() + 1, limits);
  for (const size_t step : {size_t{1}, size_t{2}, size_t{7}}) {
    const Outcome pieces = run(bytes, step, limits);
    CHECK(pieces == whole);
  }
  return whole;
}

std::string get(std::string_view fields) {
  return "GET / HTTP/1.1\r\nHost: a.test\r\n" + std::string(fields) + "\r\n";
}
std::string post(std::string_view fields, std::string_view body) {
  return "POST /x HTTP/1.1\r\nHost: a.test\r\n" + std::string(fields) + "\r\n" + std::string(body);
}
std::string chunked(std::string_view body) {
  return post("Transfer-Encoding: chunked\r\n", body);
}

}  // namespace

TEST_CASE("hostile requests are refused with the right status, whole and byte by byte", "[unit][http]") {
  using namespace std::string_literals;
  struct Hostile {
    const char* what;
    std::string bytes;
    int status;
  };
  const std::vector<Hostile> table = {
      {"CL and TE", post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400},
      {"TE and CL", post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"), 400},
      {"two CL, different", post("Content-Length: 5\r\nContent-Length: 6\r\n", "abcdef"), 400},
      {"two CL, same", post("Content-Length: 5\r\nContent-Length: 5\r\n", "abcde"), 400},
      {"CL list", post("Content-Length: 5, 5\r\n", "abcde"), 400},
      {"CL plus sign", post("Content-Length: +5\r\n", "abcde"), 400},
      {"CL minus sign", post("Content-Length: -5\r\n", "abcde"), 400},
      {"CL hex", post("Content-Length: 0x5\r\n", "abcde"), 400},
      {"CL empty", post("Content-Length:\r\n", ""), 400},
      {"CL blank inside", post("Content-Length: 1 0\r\n", "0123456789"), 400},
      {"CL overflow", post("Content-Length: 18446744073709551617\r\n", "a"), 400},
      {"TE twice", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400},
      {"TE identity then chunked", post("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n", ""),
       400},
      {"TE list", post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), 501},
      {"TE identity", post("Transfer-Encoding: identity\r\n", ""), 501},
      {"TE xchunked", post("Transfer-Encoding: xchunked\r\n", ""), 501},
      {"TE quoted", post("Transfer-Encoding: \"chunked\"\r\n", ""), 501},
      {"TE with vertical tab", post("Transfer-Encoding: \vchunked\r\n", ""), 400},
      {"TE blank before colon", post("Transfer-Encoding : chunked\r\n", "0\r\n\r\n"), 400},
      {"TE in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"two Hosts", get("Host: b.test\r\n"), 400},
      {"no Host", "GET / HTTP/1.1\r\n\r\n", 400},
      {"empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400},
      {"Host with path", "GET / HTTP/1.1\r\nHost: a.test/b\r\n\r\n", 400},
      {"Host with at", "GET / HTTP/1.1\r\nHost: x@a.test\r\n\r\n", 400},
      {"Host list", "GET / HTTP/1.1\r\nHost: a.test, b.test\r\n\r\n", 400},
      {"absolute target of another host", "GET http://b.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n", 400},
      {"obs-fold", get("X-A: b\r\n c\r\n"), 400},
      {"obs-fold by tab", get("X-A: b\r\n\tc\r\n"), 400},
      {"fold before first header", "GET / HTTP/1.1\r\n Host: a.test\r\n\r\n", 400},
      {"bare LF in request line", "GET / HTTP/1.1\nHost: a.test\r\n\r\n", 400},
      {"bare LF in header", "GET / HTTP/1.1\r\nHost: a.test\nX: y\r\n\r\n", 400},
      {"bare LF at the end", "GET / HTTP/1.1\r\nHost: a.test\r\n\n", 400},
      {"bare CR in header", get("X-A: b\rTransfer-Encoding: chunked\r\n"), 400},
      {"bare CR in request line", "GET /\rX HTTP/1.1\r\nHost: a.test\r\n\r\n", 400},
      {"CR CR LF", "GET / HTTP/1.1\r\nHost: a.test\r\r\n\r\n", 400},
      {"NUL in value", get("X-A: b\0c\r\n"s), 400},
      {"NUL in name", get("X\0A: b\r\n"s), 400},
      {"NUL in target", "GET /\0 HTTP/1.1\r\nHost: a.test\r\n\r\n"s, 400},
      {"DEL in value", get("X-A: b\x7f\r\n"), 400},
      {"escape in value", get("X-A: \x1b[31m\r\n"), 400},
      {"empty header name", get(": x\r\n"), 400},
      {"no colon", get("X-A\r\n"), 400},
      {"bad name character", get("X(A): b\r\n"), 400},
      {"8-bit name", get("X-\xc3\xa4: b\r\n"), 400},
      {"two blanks", "GET  / HTTP/1.1\r\nHost: a.test\r\n\r\n", 400},
      {"tab in request line", "GET\t/ HTTP/1.1\r\nHost: a.test\r\n\r\n", 400},
      {"blank at end of request line", "GET / HTTP/1.1 \r\nHost: a.test\r\n\r\n", 400},
      {"leading blank", " GET / HTTP/1.1\r\nHost: a.test\r\n\r\n", 400},
      {"HTTP/0.9", "GET /\r\n\r\n", 400},
      {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
      {"HTTP/1.2", "GET / HTTP/1.2\r\nHost: a.test\r\n\r\n", 505},
      {"HTTP/1.10", "GET / HTTP/1.10\r\nHost: a.test\r\n\r\n", 400},
      {"lower-case version", "GET / http/1.1\r\nHost: a.test\r\n\r\n", 400},
      {"unknown method", "BREW / HTTP/1.1\r\nHost: a.test\r\n\r\n", 501},
      {"lower-case method", "get / HTTP/1.1\r\nHost: a.test\r\n\r\n", 501},
      {"CONNECT", "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test\r\n\r\n", 501},
      {"method with bad character", "GE{T / HTTP/1.1\r\nHost: a.test\r\n\r\n", 400},
      {"target without slash", "GET x HTTP/1.1\r\nHost: a.test\r\n\r\n", 400},
      {"asterisk for GET", "GET * HTTP/1.1\r\nHost: a.test\r\n\r\n", 400},
      {"8-bit target", "GET /\xc3\xa4 HTTP/1.1\r\nHost: a.test\r\n\r\n", 400},
      {"fragment in target", "GET /#a HTTP/1.1\r\nHost: a.test\r\n\r\n", 400},
      {"two empty lines first", "\r\n\r\nGET / HTTP/1.1\r\nHost: a.test\r\n\r\n", 400},
      {"TLS hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n"s, 400},
      {"SMTP command", "EHLO x.test\r\n\r\n", 400},
      {"unknown expectation", post("Content-Length: 1\r\nExpect: miracles\r\n", "x"), 417},
      {"chunk size minus", chunked("-1\r\na\r\n0\r\n\r\n"), 400},
      {"chunk size plus", chunked("+1\r\na\r\n0\r\n\r\n"), 400},
      {"chunk size 0x", chunked("0x1\r\na\r\n0\r\n\r\n"), 400},
      {"chunk size leading blank", chunked(" 1\r\na\r\n0\r\n\r\n"), 400},
      {"chunk size trailing blank", chunked("1 \r\na\r\n0\r\n\r\n"), 400},
      {"chunk size empty", chunked("\r\na\r\n0\r\n\r\n"), 400},
      {"chunk size overflow", chunked("ffffffffffffffffff\r\na"), 400},
      {"chunk size over the limit", chunked("fffffffffffffff\r\na"), 413},
      {"chunk bare LF", chunked("1\na\r\n0\r\n\r\n"), 400},
      {"chunk extension with LF", chunked("1;a\nb\r\na\r\n0\r\n\r\n"), 400},
      {"chunk extension with CR", chunked("1;a\rb\r\na\r\n0\r\n\r\n"), 400},
      {"chunk extension too long", chunked("1;" + std::string(300, 'a') + "\r\na\r\n0\r\n\r\n"), 400},
      {"chunk longer than said", chunked("1\r\nab\r\n0\r\n\r\n"), 400},
      {"chunk end by LF", chunked("1\r\na\n0\r\n\r\n"), 400},
      {"chunk end missing", chunked("1\r\na0\r\n\r\n"), 400},
      {"last chunk by LF", chunked("0\n\r\n"), 400},
      {"trailer folded", chunked("0\r\nA: b\r\n c\r\n\r\n"), 400},
      {"trailer without colon", chunked("0\r\nA\r\n\r\n"), 400},
      {"trailer NUL", chunked("0\r\nA: \0\r\n\r\n"s), 400},
      {"trailer end by LF", chunked("0\r\n\n"), 400},
  };
  for (const Hostile& hostile : table) {
    INFO(hostile.what);
    const Outcome out = run_both(hostile.bytes);
    INFO(out.text);
    CHECK(out.status == hostile.status);
    CHECK(out.messages.empty());
    CHECK(out.offset < hostile.bytes.size());
  }
}

TEST_CASE("good requests are read, pipelined and with either body", "[unit][http]") {
  const std::string bytes =
      "\r\nGET /a?b=c HTTP/1.1\r\nHost: a.test\r\nAccept:  x/y \r\n\r\n" +
      post("Content-Length: 3\r\n", "abc") + "\r\n" +
      chunked("3;x=\"y\"\r\nabc\r\n0A\r\n0123456789\r\n0\r\nX-Sum: 1\r\n\r\n") +
      "PROPFIND /dav/ HTTP/1.1\r\nhost: a.test:8080\r\nDepth: 1\r\nContent-Length: 2\r\n\r\n<>" +
      "REPORT / HTTP/1.1\r\nHost: [::1]:80\r\n\r\nMKCALENDAR /c HTTP/1.1\r\nHost: a\r\nContent-Length: "
      "0\r\n\r\n" +
      "GET http://A.test/abs HTTP/1.1\r\nHost: a.test\r\n\r\nOPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n" +
      "GET / HTTP/1.0\r\n\r\n";
  const Outcome out = run_both(bytes);
  INFO(out.text);
  CHECK(out.status == 0);
  CHECK(out.messages == std::vector<std::string>{"GET /a?b=c ", "POST /x abc", "POST /x abc0123456789",
                                                 "PROPFIND /dav/ <>", "REPORT / ", "MKCALENDAR /c ",
                                                 "GET /abs ", "OPTIONS * ", "GET / "});
}

TEST_CASE("every method name parses back and goes through http_parser", "[unit][http]") {
  for (int i = 0; i < kMethodCount; ++i) {
    const auto method = static_cast<Method>(i);
    CHECK(parse_method(method_name(method)) == method);
    if (method == Method::connect) continue;
    RequestParser parser;
    const std::string bytes = std::string(method_name(method)) + " / HTTP/1.1\r\nHost: a\r\n\r\n";
    CHECK(parser.feed(bytes).kind == Kind::head);
    CHECK(parser.head().method == method);
  }
}

TEST_CASE("header bounds hold at the exact byte", "[unit][http]") {
  ParserLimits limits;
  limits.fields = 3;
  CHECK(run_both(get("A: 1\r\nB: 2\r\n"), limits).messages.size() == 1);
  CHECK(run_both(get("A: 1\r\nB: 2\r\nC: 3\r\n"), limits).status == 431);
  limits = {};
  const std::string frame = get("A: \r\n");
  limits.head_bytes = frame.size() + 100;
  CHECK(run_both(get("A: " + std::string(100, 'x') + "\r\n"), limits).messages.size() == 1);
  CHECK(run_both(get("A: " + std::string(101, 'x') + "\r\n"), limits).status == 431);
  limits = {};
  limits.target_bytes = 100;
  const auto target = [](size_t n) {
    return "GET /" + std::string(n - 1, 'x') + " HTTP/1.1\r\nHost: a\r\n\r\n";
  };
  CHECK(run_both(target(100), limits).messages.size() == 1);
  CHECK(run_both(target(101), limits).status == 414);
  CHECK(run_both(target(200), limits).status == 414);
  CHECK(run_both(std::string(200, 'x'), limits).status == 414);  // no line end at all
}

TEST_CASE("an endless header is refused at the bound, not gathered", "[unit][http]") {
  RequestParser parser;
  CHECK(parser.feed("GET / HTTP/1.1\r\nHost: a\r\nX: ").kind == Kind::need_more);
  const std::string piece(8192, 'a');
  size_t fed = 0;
  ParseEvent event;
  while ((event = parser.feed(piece)).kind == Kind::need_more) fed += event.consumed;
  CHECK(event.kind == Kind::error);
  CHECK(parser.error().status == 431);
  CHECK(fed < 70000);
}

TEST_CASE("body limits are set per request after its head", "[unit][http]") {
  for (const bool by_chunks : {false, true}) {
    for (const uint64_t limit : {uint64_t{4}, uint64_t{5}}) {
      RequestParser parser;
      std::string_view bytes = by_chunks ? "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                                           "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
                                         : "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabcde";
      ParseEvent event = parser.feed(bytes);
      REQUIRE(event.kind == Kind::head);
      parser.set_body_limit(limit);
      std::string body;
      do {
        bytes.remove_prefix(event.consumed);
        event = parser.feed(bytes);
        body += event.data;
      } while (event.kind == Kind::body);
      if (limit == 5) {
        CHECK(event.kind == Kind::end);
        CHECK(body == "abcde");
      } else {
        CHECK(event.kind == Kind::error);
        CHECK(parser.error().status == 413);
      }
    }
  }
}

TEST_CASE("trailers and chunk extensions are bounded in sum", "[unit][http]") {
  std::string trailers;
  for (int i = 0; i < 51; ++i) trailers += "A: b\r\n";
  CHECK(run_both(chunked("0\r\n" + trailers + "\r\n")).status == 400);
  std::string chunks;
  for (int i = 0; i < 100; ++i) chunks += "1;" + std::string(200, 'x') + "\r\na\r\n";
  CHECK(run_both(chunked(chunks + "0\r\n\r\n")).status == 400);
}

TEST_CASE("keep-alive and 100-continue follow version and headers", "[unit][http]") {
  const auto head = [](std::string_view bytes) {
    RequestParser parser;
    REQUIRE(parser.feed(bytes).kind == Kind::head);
    return std::move(parser.head());
  };
  CHECK(head(get("")).keep_alive);
  CHECK_FALSE(head(get("Connection: foo, Close\r\n")).keep_alive);
  CHECK_FALSE(head("GET / HTTP/1.0\r\n\r\n").keep_alive);
  CHECK(head("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").keep_alive);
  CHECK(head(post("Content-Length: 1\r\nExpect: 100-Continue\r\n", "")).expect_continue);
  CHECK_FALSE(head(get("Expect: 100-continue\r\n")).expect_continue);
}

TEST_CASE("responses are read by length, chunks, close and without body", "[unit][http]") {
  const auto read = [](std::string_view bytes, Method method, size_t step) {
    ResponseParser parser;
    parser.expect(method);
    std::string out;
    while (!bytes.empty()) {
      std::string_view piece = bytes.substr(0, step);
      bytes.remove_prefix(piece.size());
      while (true) {
        const ParseEvent event = parser.feed(piece);
        piece.remove_prefix(event.consumed);
        if (event.kind == Kind::error) return out + "!";
        if (event.kind == Kind::head) out += std::to_string(parser.head().status) + ":";
        out += event.data;
        if (event.kind == Kind::need_more) break;
        if (event.kind == Kind::end) {
          out += ";";
          if (piece.empty() && bytes.empty()) return out;
          parser.next();
        }
      }
    }
    return out + (parser.feed_eof().kind == Kind::end ? "$" : "!");
  };
  for (const size_t step : {size_t{1}, size_t{1000}}) {
    CHECK(read("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", Method::get,
               step) == "100:;200:hi;");
    CHECK(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", Method::get,
               step) == "200:hi;");
    CHECK(read("HTTP/1.1 200 OK\r\n\r\nhi", Method::get, step) == "200:hi$");
    CHECK(read("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", Method::head, step) == "200:;");
    CHECK(read("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", Method::get, step) == "304:;");
    CHECK(read("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi", Method::get, step) == "200:hi!");
    CHECK(read("HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n", Method::get, step) == "!");
    CHECK(read("HTTP/2.0 200 OK\r\n\r\n", Method::get, step) == "!");
  }
}

TEST_CASE("header values that the program adds cannot split a message", "[unit][http]") {
  Headers headers;
  headers.add("Location", "/a\r\nSet-Cookie: x");
  CHECK(headers.value("location") == "/a  Set-Cookie: x");
  headers.set("LOCATION", "/b");
  CHECK(headers.count("location") == 1);
  headers.add("Connection", "keep-alive, Upgrade");
  CHECK(headers.list_has("connection", "upgrade"));
  CHECK_FALSE(headers.list_has("connection", "up"));
}
