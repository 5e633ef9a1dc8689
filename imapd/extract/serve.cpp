#include "imapd/extract/serve.h"

#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <string>

namespace dromos::extract {
namespace {

/// False at the end of input.
bool read_all(int fd, char* bytes, size_t size) {
  while (size > 0) {
    const ssize_t got = ::read(fd, bytes, size);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    bytes += got;
    size -= static_cast<size_t>(got);
  }
  return true;
}

/// (The kernel's greatest resident size is no guide: it begins with that of whoever started this program.)
bool has_enough(int done, const ServeLimits& limits) {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const double seconds = static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec);
  return done >= limits.documents || mallinfo2().arena > limits.heap || seconds >= limits.cpu_seconds;
}

}  // namespace

bool write_all(int fd, const char* bytes, size_t size) {
  while (size > 0) {
    const ssize_t put = ::write(fd, bytes, size);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    bytes += put;
    size -= static_cast<size_t>(put);
  }
  return true;
}

int serve(int in, int out, Extractor& extractor, const ServeLimits& limits) {
  for (int done = 1;; ++done) {
    std::string head(kRequestBytes, '\0');
    if (!read_all(in, head.data(), head.size())) return 0;
    const auto request = parse_request(head);
    if (!request) return 1;
    std::string document(request->document_bytes, '\0');
    if (!read_all(in, document.data(), document.size())) return 0;
    const Extracted got =
        extractor.extract(document, request->text_limit, std::chrono::milliseconds(request->milliseconds));
    document = {};
    const bool last = has_enough(done, limits);
    Answer told;
    told.outcome = got.outcome;
    told.flags = static_cast<uint8_t>((got.cut ? kAnswerCut : 0) | (last ? kAnswerLast : 0));
    told.text_bytes = static_cast<uint32_t>(got.text.size());
    std::string bytes = answer(told);
    bytes += got.text;
    if (!write_all(out, bytes.data(), bytes.size()) || last) return 0;
  }
}

}  // namespace dromos::extract
