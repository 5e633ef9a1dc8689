// Reader and parser: whole and in small pieces must give the same commands; the first octet chooses the
// policy.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "imapd/protocol/parser.h"

using namespace dromos::imapd;
using Step = CommandReader::Step;

static void describe(const ParsedCommand& command, std::string& out) {
  if (!command) {
    out += "error " + command.error().tag + " " + std::to_string(command.error().offset) + " " +
           command.error().reason;
    return;
  }
  out += std::string(name(command->verb)) + " " + command->tag;
  if (const auto* fetch = std::get_if<FetchCommand>(&command->arguments))
    for (const FetchItem& item : fetch->items) out += " " + item.label();
  if (const auto* append = std::get_if<AppendCommand>(&command->arguments))
    out += " " + std::to_string(append->messages.size());
}

static std::string run(std::string_view input, size_t piece, uint8_t policy) {
  CommandReader reader({.line = 4096, .text = 8192, .argument_literals = 2048, .literals = 20, .skip = 4096});
  std::string out;
  while (!input.empty()) {
    std::string_view bytes = input.substr(0, piece);
    input.remove_prefix(bytes.size());
    for (Step step = reader.next(bytes); step != Step::need_more; step = reader.next(bytes)) {
      if (step == Step::fatal) return out + "fatal";
      if (step == Step::chunk) {
        out += reader.chunk();
        continue;
      }
      out += "\n" + std::to_string(static_cast<int>(step)) + std::string(reader.tag()) + ":";
      if (step == Step::literal) {
        if (reader.head().message_data) {
          const auto head = parse_append_head(reader.text_so_far());
          out += head ? head->mailbox : head.error().reason;
        }
        (policy & 1) != 0 && reader.head().size > 8 ? reader.refuse() : reader.accept();
      } else if (step == Step::command) {
        describe(parse_command(reader.command()), out);
        if ((policy & 2) != 0) reader.expect_line();
      } else if (step == Step::line) {
        out += reader.line();
      }
      if (reader.memory() > 64 * 1024) abort();
    }
  }
  return out;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::string whole = run(input, input.size() + 1, data[0]);
  if (run(input, 1, data[0]) != whole || run(input, 5, data[0]) != whole) abort();
  return 0;
}
