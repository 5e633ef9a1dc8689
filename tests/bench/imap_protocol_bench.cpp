// CPU cost of imapd/protocol: ns per command (framing and parsing) and per FETCH line written.
// Build with the bench preset, link dromos_imapd_protocol; prints one figure per line.
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <string>
#include <vector>

#include "imapd/protocol/list_match.h"
#include "imapd/protocol/parser.h"
#include "imapd/protocol/writer.h"

using namespace dromos::imapd;

static double cpu_ns() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

/// The best of five rounds of `count` calls.
template <class Fn>
static void measure(const char* what, size_t count, Fn fn) {
  double best = 1e18;
  for (int round = 0; round < 5; ++round) {
    const double start = cpu_ns();
    fn(count);
    best = std::min(best, cpu_ns() - start);
  }
  std::printf("%-46s %9.1f ns  (%.2f ms for %zu)\n", what, best / static_cast<double>(count), best / 1e6,
              count);
}

static size_t parsed = 0;

static void measure_command(const char* what, const std::string& line) {
  measure(what, 100'000, [&line](size_t count) {
    CommandReader reader;
    for (size_t i = 0; i < count; ++i) {
      std::string_view bytes = line;
      while (reader.next(bytes) == CommandReader::Step::literal) reader.accept();
      parsed += parse_command(reader.command()).has_value() ? 1 : 0;
    }
  });
}

int main() {
  measure_command("NOOP", "a001 NOOP\r\n");
  measure_command("LOGIN with a literal", "a001 LOGIN alice {6+}\r\nsecret\r\n");
  measure_command("UID FETCH 1:* (FLAGS UID)", "a001 UID FETCH 1:* (FLAGS UID)\r\n");
  measure_command(
      "FETCH with header fields and a partial",
      "a001 FETCH 17 (UID BODY.PEEK[HEADER.FIELDS (From To Subject Date)] BODY.PEEK[1.2]<0.2048>)\r\n");
  measure_command("UID STORE +FLAGS.SILENT", "a001 UID STORE 1,5:9,20 +FLAGS.SILENT (\\Seen $Forwarded)\r\n");
  measure_command(
      "SEARCH with four keys",
      "a001 UID SEARCH RETURN (ALL) UNSEEN SINCE 1-Feb-1994 NOT FROM \"Smith\" OR SUBJECT a TEXT b\r\n");
  measure_command("LIST extended",
                  "a001 LIST (SUBSCRIBED) \"\" (\"*\") RETURN (CHILDREN STATUS (MESSAGES UNSEEN))\r\n");

  const std::vector<std::string> keywords{"$Forwarded", "NonJunk"};
  Writer writer;
  measure("* n FETCH (FLAGS (...) UID n)", 100'000, [&](size_t count) {
    writer.clear();
    for (uint32_t n = 1; n <= count; ++n)
      writer.begin_fetch(n)
          .item("FLAGS")
          .flags(static_cast<uint8_t>(n & 31), keywords)
          .item("UID")
          .number(n + 500'000)
          .end_fetch();
  });
  std::vector<uint32_t> uids;
  for (uint32_t n = 1; uids.size() < 100'000; n += n % 7 == 0 ? 2 : 1) uids.push_back(n);
  std::string out;
  measure("writing uids as ranges, per uid", uids.size(), [&](size_t) {
    out.clear();
    append_ranges(out, uids);
  });
  const ListPattern pattern("*a%b*");
  measure("LIST match, 24 octets", 100'000, [&](size_t count) {
    for (size_t i = 0; i < count; ++i) parsed += pattern.matches("Archive/2026/abcdefghijk") ? 1 : 0;
  });
  std::printf("%zu octets written, %zu results\n", writer.size() + out.size(), parsed);
  return 0;
}
