#include "mta/service/blind_copies.h"

#include "common/base/strings.h"
#include "common/mime/header.h"
#include "mta/service/head.h"

namespace dromos::mta {

std::vector<ByteRange> blind_copies(std::string_view content) {
  std::vector<ByteRange> found;
  if (!begins_with_header(content)) return found;  // all of it is body
  mime::FieldReader reader(content);
  while (const auto field = reader.next())
    if (iequals(field->name, "Bcc") || iequals(field->name, "Resent-Bcc"))
      found.push_back({field->offset, field->length});
  return found;
}

}  // namespace dromos::mta
