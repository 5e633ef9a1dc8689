// The request parser must give the same messages however its input is cut, and never more body than its
// limit.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "common/http/codec.h"

namespace {

using namespace dromos::http;
using Kind = ParseEvent::Kind;

constexpr uint64_t kBodyLimit = 4096;

std::string run(std::string_view bytes, size_t step) {
  RequestParser parser;
  std::string out;
  uint64_t body = 0;
  while (!bytes.empty()) {
    std::string_view piece = bytes.substr(0, step);
    bytes.remove_prefix(piece.size());
    while (true) {
      const ParseEvent event = parser.feed(piece);
      if (event.consumed > piece.size()) abort();
      piece.remove_prefix(event.consumed);
      if (event.kind == Kind::need_more) break;
      if (event.kind == Kind::error)
        return out + "!" + std::to_string(parser.error().status) + parser.error().text;
      if (event.kind == Kind::head) {
        const RequestHead& head = parser.head();
        if (head.chunked && head.content_length) abort();
        if (head.headers.count("host") > 1) abort();
        for (const char c : head.target)
          if (static_cast<unsigned char>(c) <= 0x20) abort();
        parser.set_body_limit(kBodyLimit);
        out += std::string(method_name(head.method)) + head.target;
        body = 0;
      }
      out += event.data;
      body += event.data.size();
      if (body > kBodyLimit) abort();
      if (event.kind == Kind::end) {
        out += ";";
        parser.next();
      }
    }
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::string whole = run(bytes, size + 1);
  if (run(bytes, 1) != whole || run(bytes, 5) != whole) abort();
  ResponseParser response;
  std::string_view rest = bytes;
  while (true) {
    const ParseEvent event = response.feed(rest);
    rest.remove_prefix(event.consumed);
    if (event.kind == Kind::need_more || event.kind == Kind::error) break;
    if (event.kind == Kind::end) {
      if (rest.empty()) break;
      response.next();
    }
  }
  (void)response.feed_eof();
  return 0;
}
