// A POP3 client's lines through the parser, and the same octets as a message through stuffing and TOP; whole
// and in pieces must agree, and a client that takes the dots off must get the message back.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "imapd/pop3/protocol/command.h"
#include "imapd/pop3/protocol/multiline.h"

using namespace dromos::imapd::pop3;

static std::string commands(std::string_view input) {
  std::string out;
  while (!input.empty()) {
    const size_t end = input.find('\n');
    std::string_view line = input.substr(0, end);
    input.remove_prefix(end == std::string_view::npos ? input.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    const auto command = parse_command(line);
    out += command ? std::string(name(command->verb)) + command->text + std::to_string(command->number) : "-";
    if (!command && command.error().message().empty()) std::abort();
  }
  return out;
}

static std::string wire(std::string_view message, size_t piece, uint32_t lines) {
  DotStuffer stuffer;
  TopCutter cutter(lines);
  std::string out;
  for (size_t at = 0; at < message.size() && !cutter.done(); at += piece) {
    const std::string_view bytes = message.substr(at, piece);
    stuffer.feed(bytes.substr(0, cutter.take(bytes)), out);
  }
  stuffer.finish(out);
  return out;
}

static std::string read_back(std::string_view wire) {
  std::string out;
  while (true) {
    const size_t end = wire.find("\r\n");
    if (end == std::string_view::npos) std::abort();  // no end of the response
    std::string_view line = wire.substr(0, end);
    wire.remove_prefix(end + 2);
    if (line == ".") break;
    if (line.starts_with('.')) line.remove_prefix(1);
    out.append(line).append("\r\n");
  }
  if (!wire.empty()) std::abort();  // the response ended before its end
  return out;
}

static std::string with_crlf(std::string_view message) {
  std::string out;
  char last = '\n';
  for (const char c : message) {
    if (c == '\n' && last != '\r') out += '\r';
    out += c;
    last = c;
  }
  if (last != '\n') out += last == '\r' ? "\n" : "\r\n";
  return out;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  static_cast<void>(commands(input));
  const uint32_t lines = data[0] < 128 ? data[0] : UINT32_MAX;
  const std::string whole = wire(input, input.size() + 1, lines);
  if (wire(input, 1, lines) != whole || wire(input, 7, lines) != whole) std::abort();
  const std::string back = read_back(whole);
  if (!with_crlf(input).starts_with(back.substr(0, back.size() - std::min<size_t>(back.size(), 2))))
    std::abort();
  if (lines == UINT32_MAX && back != with_crlf(input)) std::abort();
  return 0;
}
