// Fields, encoded words, parameters, message ids, dates, base subjects and sections of hostile bytes.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "common/base/strings.h"
#include "common/mime/date.h"
#include "common/mime/header.h"
#include "common/mime/section.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dromos::mime;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  FieldReader reader(text);
  size_t end = 0;
  while (const auto field = reader.next()) {
    if (field->offset != end || field->length == 0) std::abort();
    end += field->length;
  }
  const std::string decoded = decode_text(text);
  if (!dromos::is_utf8(decoded) || decoded.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos)
    std::abort();
  const ContentType type = parse_content_type(unfold(text));
  (void)param_text(type.params, "name");
  (void)parse_disposition(text);
  (void)parse_transfer_encoding(text);
  (void)parse_language(text);
  (void)parse_message_ids(text, true);
  (void)base_subject(decoded);
  (void)strip_comments(text);
  if (const auto date = parse_date(text)) (void)format_rfc3339(*date);
  if (const auto section = parse_section(text)) (void)section_bytes(text, parse(text), *section);
  return 0;
}
