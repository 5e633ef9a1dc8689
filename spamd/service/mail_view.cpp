#include "spamd/service/mail_view.h"

#include <algorithm>

#include "common/base/strings.h"
#include "common/mime/charset.h"
#include "common/mime/facts.h"
#include "common/mime/header.h"
#include "common/mime/parser.h"
#include "common/mime/text.h"

namespace dromos::spamd {

namespace {

constexpr size_t kMaxFieldBytes = 16 * 1024;

void read_fields(std::string_view header, MailView& mail) {
  for (mime::FieldReader reader(header); auto field = reader.next();) {
    if (mail.fields.size() >= kMaxFields) return;
    FieldView view;
    view.name = to_lower(field->name.substr(0, 100));
    view.raw = mime::unfold(field->value.substr(0, kMaxFieldBytes));
    // Only what can differ: encoded words or raw 8-bit bytes.
    view.value =
        view.raw.find("=?") == view.raw.npos && is_ascii(view.raw) ? view.raw : mime::decode_words(view.raw);
    mail.fields.push_back(std::move(view));
  }
}

mime::PartInfo read_part_header(std::string_view header) {
  mime::PartInfo info;
  for (mime::FieldReader reader(header); auto field = reader.next();) {
    if (!istarts_with(field->name, "content-")) continue;
    const std::string value = mime::unfold(field->value.substr(0, kMaxFieldBytes));
    if (iequals(field->name, "content-type") && !info.has_type) {
      mime::ContentType type = mime::parse_content_type(value);
      if (type.type.empty() || type.subtype.empty()) continue;
      info.has_type = true;
      info.type = std::move(type.type);
      info.subtype = std::move(type.subtype);
      info.params = std::move(type.params);
    } else if (iequals(field->name, "content-disposition") && !info.has_disposition) {
      if (auto disposition = mime::parse_disposition(value)) {
        info.has_disposition = true;
        info.disposition = std::move(disposition->value);
        info.disposition_params = std::move(disposition->params);
      }
    } else if (iequals(field->name, "content-transfer-encoding")) {
      // Of several the last valid one holds, as for those who read the message.
      if (auto encoding = mime::parse_transfer_encoding(value)) info.encoding = std::move(encoding);
    }
  }
  return info;
}

}  // namespace

const FieldView* MailView::field(std::string_view name) const {
  const auto found =
      std::find_if(fields.begin(), fields.end(), [&](const FieldView& f) { return f.name == name; });
  return found == fields.end() ? nullptr : &*found;
}

size_t MailView::count(std::string_view name) const {
  return static_cast<size_t>(
      std::count_if(fields.begin(), fields.end(), [&](const FieldView& f) { return f.name == name; }));
}

std::string_view MailView::value(std::string_view name) const {
  const FieldView* found = field(name);
  return found == nullptr ? std::string_view() : std::string_view(found->value);
}

MailView view_mail(std::string_view raw) {
  MailView mail;
  mail.size = raw.size();
  const mime::PartTree tree = mime::parse(raw);
  read_fields(raw.substr(0, tree.root().body_begin), mail);
  size_t text_left = kMaxText;
  for (const mime::Part& part : tree.parts) {
    if (mail.parts.size() >= kMaxParts) break;
    const mime::PartInfo info = read_part_header(raw.substr(part.header_begin, part.header_size()));
    PartView view;
    view.type = to_lower(info.type + "/" + info.subtype);
    view.charset = to_lower(info.charset());
    if (info.encoding) view.encoding = to_lower(*info.encoding);
    view.disposition = to_lower(info.disposition);
    view.filename = info.filename();
    view.is_multipart = part.kind != mime::PartKind::leaf;
    if (!view.is_multipart && view.is_text() && text_left > 0) {
      view.text = mime::part_text(raw, part, info, std::min(text_left, kMaxPartText));
      text_left -= std::min(text_left, view.text.size());
    }
    mail.parts.push_back(std::move(view));
  }
  return mail;
}

}  // namespace dromos::spamd
