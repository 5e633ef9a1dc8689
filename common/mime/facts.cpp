#include "common/mime/facts.h"

#include <algorithm>

#include "common/base/strings.h"
#include "common/mime/body_parts.h"
#include "common/mime/charset.h"
#include "common/mime/render.h"
#include "common/mime/text.h"

namespace dromos::mime {
namespace {

constexpr std::string_view kKeptNames[kKeptCount] = {"Date",        "Subject",    "From",       "Sender",
                                                     "Reply-To",    "To",         "Cc",         "Bcc",
                                                     "In-Reply-To", "Message-ID", "References", "List-ID"};
constexpr size_t kMaxKeptValue = 128 * 1024;
constexpr size_t kMaxContentField = 16 * 1024;
// Text a preview is made of; more is never shown.
constexpr size_t kPreviewSource = 4096;

std::optional<Kept> kept_of(std::string_view name) {
  for (size_t i = 0; i < kKeptCount; ++i)
    if (kKeptNames[i].size() == name.size() && iequals(kKeptNames[i], name)) return static_cast<Kept>(i);
  return std::nullopt;
}

bool has_crlf_lines(std::string_view raw) {
  for (size_t at = raw.find('\n'); at != std::string_view::npos; at = raw.find('\n', at + 1))
    if (at == 0 || raw[at - 1] != '\r') return false;
  return raw.empty() || raw.back() == '\n';
}

bool is_address_list(Kept which) {
  return which >= Kept::from && which <= Kept::bcc;
}

class Build {
 public:
  Build(std::string_view raw, Facts& facts) : raw_(raw), facts_(facts) {}

  void run() {
    const auto count = static_cast<uint32_t>(facts_.tree.parts.size());
    facts_.info.resize(count);
    for (uint32_t i = 0; i < count; ++i) {
      const Part& part = facts_.tree.parts[i];
      if (i == 0) {
        header(i, &facts_.kept, true);
      } else if (facts_.tree.parts[part.parent].kind == PartKind::message) {
        KeptValues kept;
        header(i, &kept, false);
        facts_.info[part.parent].envelope = render_envelope(kept);
      } else {
        header(i, nullptr, false);
      }
    }
    derive();
  }

 private:
  std::optional<std::string> take(const Field& field, size_t limit, bool for_people) {
    Field cut = field;
    cut.text = field.text.substr(0, limit);
    std::string value = for_people ? unfold(cut.text) : unfold_exactly(cut);
    if (value.size() > budget_) return std::nullopt;
    budget_ -= value.size();
    return value;
  }

  void header(uint32_t index, KeptValues* kept, bool root) {
    const Part& part = facts_.tree.parts[index];
    const std::string_view bytes =
        raw_.substr(part.header_begin, std::min<uint64_t>(part.header_size(), kMaxHeaderBytes));
    if (root) facts_.has_8bit_header = !is_ascii(bytes);
    PartInfo& info = facts_.info[index];
    if (part.parent != kNoPart && facts_.info[part.parent].is("multipart", "digest")) {
      info.type = "message";
      info.subtype = "rfc822";
    }
    FieldReader reader(bytes);
    size_t count = 0;
    while (auto field = reader.next()) {
      if (++count > kMaxHeaderFields) break;
      if (root) {
        facts_.headers.push_back({std::string(field->name), static_cast<uint32_t>(field->offset),
                                  static_cast<uint32_t>(field->length)});
      }
      if (istarts_with(field->name, "content-")) {
        content_field(info, field->name.substr(8), *field);
      } else if (kept != nullptr) {
        if (const auto which = kept_of(field->name)) {
          auto& slot = (*kept)[static_cast<size_t>(*which)];
          auto value = take(*field, kMaxKeptValue, is_address_list(*which) || *which == Kept::subject);
          if (value && slot &&
              is_address_list(*which))       // as Dovecot: repeated address fields add up, of others
            *value = *slot + ", " + *value;  // the last one counts (RFC 8621 §4.1.3 too)
          if (value) slot = std::move(value);
        }
      }
    }
  }

  void content_field(PartInfo& info, std::string_view name, const Field& field) {
    const bool free_text = iequals(name, "id") || iequals(name, "description") || iequals(name, "location") ||
                           iequals(name, "md5");
    if (!free_text && !iequals(name, "type") && !iequals(name, "disposition") && !iequals(name, "language") &&
        !iequals(name, "transfer-encoding"))
      return;
    const auto value = take(field, kMaxContentField, false);
    if (!value) return;
    if (free_text) {
      auto& slot = iequals(name, "id")            ? info.id
                   : iequals(name, "description") ? info.description
                   : iequals(name, "location")    ? info.location
                                                  : info.md5;
      if (!slot) slot = *value;
    } else if (iequals(name, "type")) {
      if (info.has_type) return;
      info.has_type = true;
      ContentType type = parse_content_type(*value);
      info.type = std::move(type.type);
      info.subtype = std::move(type.subtype);
      info.params = std::move(type.params);
    } else if (iequals(name, "disposition")) {
      if (info.has_disposition) return;
      if (auto parsed = parse_disposition(*value)) {
        info.has_disposition = true;
        info.disposition = std::move(parsed->value);
        info.disposition_params = std::move(parsed->params);
      }
    } else if (iequals(name, "language")) {
      if (info.languages.empty()) info.languages = parse_language(*value);
    } else if (auto encoding = parse_transfer_encoding(*value)) {
      info.encoding = std::move(encoding);  // of several the last, as what decodes them goes by
    }
  }

  void derive() {
    const auto ids = [&](Kept which) {
      const auto& value = facts_.get(which);
      return value ? parse_message_ids(*value) : std::vector<std::string>{};
    };
    if (const auto& id = facts_.get(Kept::message_id)) {
      auto found = parse_message_ids(*id, true);
      if (!found.empty()) facts_.message_id = std::move(found.front());
    }
    facts_.in_reply_to = ids(Kept::in_reply_to);
    facts_.references = ids(Kept::references);
    if (const auto& subject = facts_.get(Kept::subject)) {
      BaseSubject base = base_subject(decode_words(*subject));
      facts_.base_subject = std::move(base.text);
      facts_.reply_or_forward = base.reply_or_forward;
    }
    if (const auto& date = facts_.get(Kept::date)) facts_.sent = parse_date(*date);
    facts_.envelope = render_envelope(facts_.kept);
    facts_.bodystructure = render_structure(facts_.tree, facts_.info, true);
    facts_.preview = preview_of(readable_text(raw_, facts_.tree, facts_.info, kPreviewSource));
    facts_.has_attachment = attached();
  }

  // What a list of messages marks with a clip: no inline images of an HTML text, no signatures.
  bool attached() const {
    const BodyParts parts = body_parts(facts_);
    return std::any_of(parts.attachments.begin(), parts.attachments.end(), [&](uint32_t index) {
      const PartInfo& info = facts_.info[index];
      if (info.is("application", "pgp-signature") || info.is("application", "pkcs7-signature") ||
          info.is("application", "x-pkcs7-signature"))
        return false;
      return !info.id || (info.has_disposition && iequals(info.disposition, "attachment"));
    });
  }

  std::string_view raw_;
  Facts& facts_;
  size_t budget_ = kMaxFactsText;
};

}  // namespace

std::string_view kept_name(Kept which) {
  return kKeptNames[static_cast<size_t>(which)];
}

bool PartInfo::is(std::string_view want_type, std::string_view want_subtype) const {
  return iequals(type, want_type) && (want_subtype.empty() || iequals(subtype, want_subtype));
}

std::string PartInfo::charset() const {
  return param_text(params, "charset").value_or("");
}

std::string PartInfo::filename() const {
  if (auto name = param_text(disposition_params, "filename"); name && !name->empty()) return *name;
  return param_text(params, "name").value_or("");
}

Facts build_facts(std::string_view raw) {
  return build_facts(raw, parse(raw));
}

Facts build_facts(std::string_view raw, PartTree tree) {
  Facts facts;
  facts.tree = std::move(tree);
  facts.has_crlf_lines = has_crlf_lines(raw);
  Build(raw, facts).run();
  return facts;
}

Facts minimal_facts(std::string_view raw) {
  Facts facts;
  Part part;
  part.body_end = raw.size();
  facts.tree.parts.push_back(part);
  facts.tree.size = raw.size();
  facts.info.resize(1);
  facts.envelope = render_envelope(facts.kept);
  facts.bodystructure = render_structure(facts.tree, facts.info, true);
  return facts;
}

}  // namespace dromos::mime
