// How FETCH items are called in responses (RFC 9051 §7.5.2).
#include "common/base/strings.h"
#include "imapd/protocol/chars.h"
#include "imapd/protocol/command_fetch.h"
#include "imapd/protocol/writer.h"

namespace dromos::imapd {

std::string PartialRange::format() const {
  const std::string sign = from_end ? "-" : "";
  return sign + std::to_string(first) + ":" + sign + std::to_string(last);
}

std::string Section::format() const {
  std::string out;
  for (const uint32_t number : part) {
    if (!out.empty()) out += '.';
    out += std::to_string(number);
  }
  if (what == What::whole) return out;
  if (!out.empty()) out += '.';
  switch (what) {
    case What::whole:
      break;
    case What::header:
      return out += "HEADER";
    case What::text:
      return out += "TEXT";
    case What::mime:
      return out += "MIME";
    case What::header_fields:
      out += "HEADER.FIELDS (";
      break;
    case What::header_fields_not:
      out += "HEADER.FIELDS.NOT (";
      break;
  }
  Writer names;
  for (const std::string& field : fields) {
    if (!names.empty()) names.sp();
    names.astring(field);
  }
  return out.append(names.view()) += ')';
}

std::string FetchItem::label() const {
  std::string out;
  switch (kind) {
    case Kind::envelope:
      return "ENVELOPE";
    case Kind::flags:
      return "FLAGS";
    case Kind::internal_date:
      return "INTERNALDATE";
    case Kind::rfc822:
      return "RFC822";
    case Kind::rfc822_header:
      return "RFC822.HEADER";
    case Kind::rfc822_size:
      return "RFC822.SIZE";
    case Kind::rfc822_text:
      return "RFC822.TEXT";
    case Kind::body:
      return "BODY";
    case Kind::body_structure:
      return "BODYSTRUCTURE";
    case Kind::uid:
      return "UID";
    case Kind::modseq:
      return "MODSEQ";
    case Kind::preview:
      return "PREVIEW";
    case Kind::email_id:
      return "EMAILID";
    case Kind::thread_id:
      return "THREADID";
    case Kind::save_date:
      return "SAVEDATE";
    case Kind::body_section:
      out = "BODY[";
      break;
    case Kind::binary:
      out = "BINARY[";
      break;
    case Kind::binary_size:
      out = "BINARY.SIZE[";
      break;
  }
  out += section.format() + "]";
  if (partial) out += "<" + std::to_string(partial->first) + ">";
  return out;
}

bool FetchItem::sets_seen() const {
  if (peek) return false;
  return kind == Kind::body_section || kind == Kind::binary || kind == Kind::rfc822 ||
         kind == Kind::rfc822_text;
}

}  // namespace dromos::imapd
