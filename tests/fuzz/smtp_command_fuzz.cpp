// Lines through splitter and command parser; whole and in bytes must agree.
#include <cstdlib>
#include <string>
#include <vector>

#include "common/smtp/command.h"
#include "common/smtp/line_splitter.h"
#include "common/smtp/reply.h"

using namespace dromos::smtp;

static std::vector<std::string> run(std::string_view bytes, size_t chunk) {
  LineSplitter splitter;
  std::vector<std::string> seen;
  while (!bytes.empty()) {
    const std::string piece(bytes.substr(0, chunk));
    bytes.remove_prefix(piece.size());
    std::string_view input = piece, line;
    while (!input.empty()) {
      const LineStatus status = splitter.next(input, line);
      if (status == LineStatus::need_more) break;
      const auto command = parse_command(line, {.future_release = true, .binary_mime = true});
      seen.push_back(std::to_string(static_cast<int>(status)) +
                     (command ? std::string(verb_name(*command)) : reply_for(command.error()).wire()));
    }
  }
  return seen;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (run(bytes, size + 1) != run(bytes, 1)) std::abort();
  return 0;
}
