// Zipped XML documents, and bare XML (by its first byte) so that a mutation need not fit a checksum: text is
// clean UTF-8 within its limit, and does not depend on how XML is cut into pieces.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "common/base/strings.h"
#include "imapd/extract/package.h"
#include "imapd/extract/xml_text.h"

namespace {

constexpr size_t kLimit = 4096;
using namespace dromos::extract;

std::string xml_text(XmlKind kind, std::string_view xml, size_t piece) {
  Sink sink(kLimit);
  XmlText text(kind, sink);
  for (size_t at = 0; at < xml.size(); at += piece)
    if (!text.feed(xml.substr(at, piece), false)) return sink.take();
  text.feed({}, true);
  return sink.take();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (size > 0 && data[0] < 3) {
    const auto kind = static_cast<XmlKind>(data[0]);
    const std::string whole = xml_text(kind, bytes.substr(1), size);
    if (!dromos::is_utf8(whole) || whole.size() > kLimit) std::abort();
    if (whole.size() + 4 <= kLimit && xml_text(kind, bytes.substr(1), 1) != whole) std::abort();
    return 0;
  }
  Sink sink(kLimit);
  package_text(bytes, sink);
  if (!dromos::is_utf8(sink.text()) || sink.text().size() > kLimit) std::abort();
  return 0;
}
