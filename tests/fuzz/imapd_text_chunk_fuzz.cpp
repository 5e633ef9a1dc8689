// Any text and any needle: a chunk finds exactly what the scan of the texts finds.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/strings.h"
#include "common/mime/charset.h"
#include "common/mime/collation.h"
#include "common/mime/text.h"
#include "imapd/service/text_chunk.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dromos;
  using namespace dromos::imapd;
  // The first line is the needle, each further one a text; \1 stands for what parts headers from body.
  std::vector<std::string> lines;
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  for (size_t end = 0; end != rest.npos; rest.remove_prefix(end == rest.npos ? rest.size() : end + 1)) {
    end = rest.find('\n');
    std::string line = clean_utf8(rest.substr(0, end));
    for (char& c : line)
      if (c == '\1') c = '\0';
    lines.push_back(std::move(line));
  }
  const mime::CasemapNeedle needle(mime::fold_case(lines.front()));
  const TextNeedle cut(needle.decomposed());
  if (!cut.usable()) return 0;

  TextChunk::Builder builder;
  for (size_t i = 1; i < lines.size(); ++i) builder.add(static_cast<uint32_t>(i), lines[i], true);
  const auto chunk = std::move(builder).finish(static_cast<uint32_t>(lines.size()));
  for (const TextPart part : {TextPart::headers, TextPart::body, TextPart::all}) {
    const std::vector<bool> found = chunk->holding(cut, part);
    for (size_t i = 1; i < lines.size(); ++i) {
      const auto row = chunk->find(static_cast<uint32_t>(i));
      if (!row) continue;
      const mime::SearchText text = mime::split_search_text(lines[i]);
      const bool scanned = (part != TextPart::body && needle.in(text.headers)) ||
                           (part != TextPart::headers && needle.in(text.body));
      if (found[*row] != scanned) std::abort();
    }
  }
  return 0;
}
