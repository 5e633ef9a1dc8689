#include "imapd/service/chunk_language.h"

#include <string>

#include "common/mime/collation.h"
#include "imapd/index/document.h"
#include "imapd/index/language.h"

namespace dromos::imapd {
namespace {

constexpr size_t kHeaders = 64 * 1024;  // octets of headers in which the subject is looked for

uint8_t guess(const TextChunk& chunk, size_t row) {
  const std::string subject = subject_of(chunk.text(row, TextPart::headers, kHeaders));
  const std::string body = mime::compose(chunk.text(row, TextPart::body, size_t{2} * kGuessBytes));
  return static_cast<uint8_t>(language_number(guess_language(language_sample(mime::compose(subject), body))));
}

}  // namespace

size_t chunk_language(const TextChunk& chunk, size_t row) {
  if (const uint8_t known = chunk.language(row); known != TextChunk::kUnknown) return known;
  const uint8_t guessed = guess(chunk, row);
  chunk.keep_language(row, guessed);
  return guessed;
}

}  // namespace dromos::imapd
