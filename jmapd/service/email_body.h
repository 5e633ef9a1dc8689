// bodyStructure, textBody, htmlBody, attachments and bodyValues (RFC 8621 §4.1.4).
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "jmapd/service/email_json.h"

namespace dromos::jmapd {

void add_body_properties(nlohmann::json& out, const EmailSource& source, const EmailProperties& wanted);
/// Whether a leaf is in base64 or another encoding whose decoded size only the bytes tell.
bool has_encoded_part(const mime::Facts& facts);
/// "text/plain", lower-case.
std::string part_type(const mime::PartInfo& info);

struct TextValue {
  std::string text;  ///< UTF-8, lines ended by LF
  bool encoding_problem = false;
  bool truncated = false;
};
TextValue text_value(std::string_view raw, const mime::Part& part, const mime::PartInfo& info, size_t limit);

}  // namespace dromos::jmapd
