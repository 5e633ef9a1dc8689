#include "common/smtp/data_encoder.h"

namespace dromos::smtp {

void DataEncoder::feed(std::string_view content, std::string& out) {
  while (!content.empty()) {
    if (cr_) {
      cr_ = false;
      out.append("\r\n");
      line_start_ = true;
      if (content.front() == '\n') {
        content.remove_prefix(1);
        continue;
      }
    }
    const size_t stop = content.find_first_of("\r\n");
    const std::string_view text = content.substr(0, stop);
    if (!text.empty()) {
      if (stuff_ && line_start_ && text.front() == '.') out.push_back('.');
      out.append(text);
      line_start_ = false;
    }
    if (stop == std::string_view::npos) return;
    if (content[stop] == '\r') {
      cr_ = true;
    } else {
      out.append("\r\n");
      line_start_ = true;
    }
    content.remove_prefix(stop + 1);
  }
}

void DataEncoder::finish(std::string& out) {
  if (cr_ || !line_start_) out.append("\r\n");
  if (stuff_) out.append(".\r\n");
  cr_ = false;
  line_start_ = true;
}

}  // namespace dromos::smtp
