// dromos-extract: text of PDF and Office documents, for imapd's search. It reads requests from standard input
// and answers on standard output (imapd/extract/wire.h), in a sandbox that it enters before the first one.
//
//   dromos-extract [--memory BYTES] [--cpu SECONDS]            serves; imapd runs it so
//   dromos-extract --text < FILE                               prints a document's text, in the same sandbox
//   dromos-extract --probe                                     tries the sandbox and says what was refused
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "imapd/extract/sandbox.h"
#include "imapd/extract/serve.h"

namespace {

using namespace dromos::extract;

constexpr int kUsage = 2, kNoCage = 3;

struct Options {
  Limits limits;
  bool probe = false, text = false;
};

bool read_number(const char* text, uint64_t& out) {
  char* end = nullptr;
  out = std::strtoull(text, &end, 10);
  return end != text && *end == '\0' && out > 0;
}

bool read_options(int argc, char** argv, Options& out) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view word(argv[i]);
    if (word == "--probe")
      out.probe = true;
    else if (word == "--text")
      out.text = true;
    else if (word == "--memory" && i + 1 < argc && read_number(argv[i + 1], out.limits.memory))
      ++i;
    else if (word == "--cpu" && i + 1 < argc && read_number(argv[i + 1], out.limits.cpu_seconds))
      ++i;
    else
      return false;
  }
  return true;
}

int print_text(Extractor& extractor) {
  std::string document;
  char piece[65536];
  for (ssize_t got = 0; (got = read(0, piece, sizeof piece)) > 0 && document.size() <= kMaxDocument;)
    document.append(piece, static_cast<size_t>(got));
  const Extracted got = extractor.extract(document, kMaxText, std::chrono::milliseconds(60'000));
  write_all(1, got.text.data(), got.text.size());
  constexpr std::string_view kNames[] = {"", "not a document it reads\n", "encrypted\n", "broken\n",
                                         "too large\n"};
  const std::string_view name = kNames[static_cast<size_t>(got.outcome)];
  write_all(2, name.data(), name.size());
  return got.outcome == Outcome::text ? 0 : 1;
}

int run(const Options& options) {
  detach(options.text || options.probe);
  if (options.probe) return probe(options.limits);
  Extractor extractor;  // opens what it needs
  Limits caged = options.limits;
  if (options.text) caged.file_bytes = kMaxText;
  const Cage cage = enter(caged);
  if (options.text && cage.ready) return print_text(extractor);
  const std::string hello = greeting(cage.ready, cage.layers, cage.reason);
  if (!write_all(1, hello.data(), hello.size()) || !cage.ready) return kNoCage;
  ServeLimits limits;
  limits.cpu_seconds = static_cast<double>(options.limits.cpu_seconds) / 2;
  return serve(0, 1, extractor, limits);
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  if (!read_options(argc, argv, options)) {
    std::fputs("usage: dromos-extract [--memory BYTES] [--cpu SECONDS] [--text | --probe]\n", stderr);
    return kUsage;
  }
  // Destructors would only give memory back, and the C++ runtime must not meet the filter on its way out.
  _exit(run(options));
}
