// Figures for common/smtp: DATA decoding in MB/s (whole buffers of 64 KB, sink that only counts, and into a
// string), command parsing in ns a line.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "common/smtp/command.h"
#include "common/smtp/data_decoder.h"

using namespace dromos::smtp;

namespace {

using SteadyClock = std::chrono::steady_clock;

double seconds_since(SteadyClock::time_point start) {
  return std::chrono::duration<double>(SteadyClock::now() - start).count();
}

/// Lines of 76 octets, every 40th with a stuffed dot, as base64 bodies look.
std::string body(size_t size) {
  std::string text;
  for (int i = 0; text.size() < size; ++i)
    text += (i % 40 == 0 ? ".." : "ab") + std::string(74, 'x') + "\r\n";
  return text + ".\r\n";
}

template <class Sink>
void data(const char* name, const std::string& wire, Sink sink) {
  constexpr int kRounds = 200;
  const auto start = SteadyClock::now();
  for (int i = 0; i < kRounds; ++i) {
    DataDecoder decoder(UINT64_MAX);
    std::string_view rest = wire;
    while (!decoder.done()) {
      std::string_view piece = rest.substr(0, 65536);
      rest.remove_prefix(piece.size());
      decoder.feed_to(piece, sink);
    }
    if (decoder.faults().any()) std::abort();
  }
  std::printf("%-28s %8.0f MB/s\n", name,
              static_cast<double>(wire.size()) * kRounds / 1e6 / seconds_since(start));
}

void command(const char* line) {
  constexpr int kRounds = 300'000;
  size_t good = 0;
  const auto start = SteadyClock::now();
  for (int i = 0; i < kRounds; ++i) good += parse_command(line).has_value() ? 1 : 0;
  std::printf("%-28.28s %8.0f ns%s\n", line, seconds_since(start) * 1e9 / kRounds,
              good == 0 ? " (refused)" : "");
}

}  // namespace

int main() {
  const std::string wire = body(4 << 20);
  size_t counted = 0;
  data("DATA, counting sink", wire, [&](std::string_view run) { counted += run.size(); });
  std::string out;
  out.reserve(wire.size());
  data("DATA, into a string", wire, [&](std::string_view run) {
    if (out.size() + run.size() > wire.size()) out.clear();
    out.append(run);
  });
  command("NOOP");
  command("EHLO client.example.test");
  command("MAIL FROM:<alice@example.test> SIZE=5000 BODY=8BITMIME");
  command("RCPT TO:<bob@example.test>");
  command(
      "MAIL FROM:<a@b\xC3\xBC"
      "cher.test> SMTPUTF8");
  return counted == 0 ? 1 : 0;
}
