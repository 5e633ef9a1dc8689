// CPU per message of building, encoding and opening facts and of the search text. Usage: mime_bench [FILE...]
#include <cstdio>
#include <ctime>
#include <fstream>
#include <sstream>
#include <string>

#include "common/mime/builder.h"
#include "common/mime/facts.h"
#include "common/mime/text.h"

using namespace dromos::mime;

namespace {

double cpu_us() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) * 1e6 + static_cast<double>(t.tv_nsec) / 1e3;
}

size_t sink = 0;

template <class F>
void measure(const char* name, const char* what, F f) {
  size_t rounds = 1;
  while (true) {
    const double start = cpu_us();
    for (size_t i = 0; i < rounds; ++i) sink += f();
    const double used = cpu_us() - start;
    if (used > 200'000) {
      std::printf("%-16s %-12s %9.2f us\n", name, what, used / static_cast<double>(rounds));
      return;
    }
    rounds *= 2;
  }
}

std::string sample(size_t bytes, bool html) {
  std::string text;
  for (int i = 0; text.size() < bytes / (html ? 2 : 1); ++i)
    text += "Line " + std::to_string(i) +
            " of an ordinary letter, with words gr\xC3\xBC\xC3\x9F"
            "end and numbers.\r\n";
  std::string markup = "<html><body>";
  for (int i = 0; html && markup.size() < bytes / 2; ++i)
    markup += "<p style=\"color:#333\">Paragraph " + std::to_string(i) +
              " with <b>bold</b> &amp; plain words.</p>\r\n";
  Entity body = html ? multipart("alternative", {text_entity(text), html_entity(markup + "</body></html>")})
                     : text_entity(text);
  Builder b;
  for (int i = 0; i < 4; ++i)
    b.raw_header("Received",
                 "from a.example (a.example [192.0.2.1]) by b.example with ESMTPS id 4f1; Sun, 22 Nov 2026 "
                 "03:04:05 +0000");
  return b
      .from({"Al\xC3\xAF"
             "ce",
             "alice@example.test"})
      .to({{"Bob", "bob@example.test"}, {"", "carol@example.test"}})
      .subject(
          "Re: Gr\xC3\xBC\xC3\x9F"
          "e aus Z\xC3\xBCrich")
      .date(1'795'316'645)
      .message_id("1@example.test")
      .body(std::move(body))
      .build();
}

void run(const char* name, const std::string& raw) {
  const Facts facts = build_facts(raw);
  const std::string bytes = encode_facts(facts);
  std::printf("%-16s %zu bytes, facts %zu bytes\n", name, raw.size(), bytes.size());
  measure(name, "parse", [&] { return parse(raw).parts.size(); });
  measure(name, "build_facts", [&] { return build_facts(raw).preview.size(); });
  measure(name, "encode", [&] { return encode_facts(facts).size(); });
  measure(name, "decode", [&] { return decode_facts(bytes)->info.size(); });
  measure(name, "open view", [&] { return FactsView::open(bytes)->envelope().size(); });
  measure(name, "search_text", [&] { return search_text(raw, facts).size(); });
}

}  // namespace

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    std::ifstream in(argv[i], std::ios::binary);
    std::stringstream all;
    all << in.rdbuf();
    run(argv[i], all.str());
  }
  if (argc > 1) return 0;
  run("text 5 KB", sample(5'000, false));
  run("text 50 KB", sample(50'000, false));
  run("html 5 KB", sample(5'000, true));
  run("html 50 KB", sample(50'000, true));
  return sink == 0;
}
