#include "common/mime/render.h"

#include "common/base/strings.h"
#include "common/mime/address.h"

namespace dromos::mime {
namespace {

constexpr size_t kMaxEscapes = 4;  // a literal is shorter to read beyond
constexpr std::string_view kMissingMailbox = "MISSING_MAILBOX";
constexpr std::string_view kMissingDomain = "MISSING_DOMAIN";
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD for NUL, which no literal may hold

void append_literal(std::string& out, std::string_view text) {
  out += '{';
  out += std::to_string(text.size());
  out += "}\r\n";
  out += text;
}

std::string without_nul(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\0')
      out += kReplacement;
    else
      out += c;
  }
  return out;
}

// Display names: blanks collapsed; anything to escape goes into a literal.
void append_name(std::string& out, std::string_view text) {
  std::string name;
  bool plain = true;
  for (const char c : text) {
    if (is_space(c)) {
      if (!name.empty() && name.back() != ' ') name += ' ';
      continue;
    }
    if (c == '\0') {
      name += kReplacement;
      plain = false;
      continue;
    }
    plain = plain && c != '"' && c != '\\' && static_cast<unsigned char>(c) < 0x80;
    name += c;
  }
  if (name.ends_with(' ')) name.pop_back();
  if (!plain) return append_literal(out, name);
  out += '"';
  out += name;
  out += '"';
}

void append_addresses(std::string& out, const AddressList& list) {
  if (list.empty()) {
    out += "NIL";
    return;
  }
  out += '(';
  for (const Address& address : list) {
    out += '(';
    if (address.kind == Address::Kind::group_end) {
      out += "NIL NIL NIL NIL)";
      continue;
    }
    if (address.kind == Address::Kind::group_begin) {
      out += "NIL NIL ";
      append_string(out, address.name);
      out += " NIL)";
      continue;
    }
    if (address.has_name)
      append_name(out, address.name);
    else
      out += "NIL";
    out += ' ';
    if (address.route.empty())
      out += "NIL";
    else
      append_string(out, address.route);
    out += ' ';
    append_string(out, address.mailbox.empty() ? kMissingMailbox : address.mailbox);
    out += ' ';
    append_string(out, address.host.empty() ? kMissingDomain : address.host);
    out += ')';
  }
  out += ')';
}

AddressList list_of(const KeptValues& kept, Kept which) {
  const auto& value = kept[static_cast<size_t>(which)];
  return value ? parse_address_list(*value) : AddressList{};
}

void append_params(std::string& out, const Params& params, bool default_charset) {
  if (params.empty() && !default_charset) {
    out += "NIL";
    return;
  }
  out += '(';
  bool charset = false;
  for (size_t i = 0; i < params.size(); ++i) {
    if (i > 0) out += ' ';
    charset = charset || iequals(params[i].name, "charset");
    append_string(out, params[i].name);
    out += ' ';
    append_string(out, params[i].value);
  }
  if (default_charset && !charset) {
    if (!params.empty()) out += ' ';
    out += "\"charset\" \"us-ascii\"";
  }
  out += ')';
}

void append_disposition_to_location(std::string& out, const PartInfo& info) {
  out += ' ';
  if (info.has_disposition) {
    out += '(';
    append_string(out, info.disposition);
    out += ' ';
    append_params(out, info.disposition_params, false);
    out += ')';
  } else {
    out += "NIL";
  }
  out += ' ';
  if (info.languages.empty()) {
    out += "NIL";
  } else {
    out += '(';
    for (size_t i = 0; i < info.languages.size(); ++i) {
      if (i > 0) out += ' ';
      append_string(out, info.languages[i]);
    }
    out += ')';
  }
  out += ' ';
  append_nstring(out, info.location);
}

class Structure {
 public:
  Structure(const PartTree& tree, const std::vector<PartInfo>& info, bool extended,
            const DecodedShape* decoded = nullptr)
      : tree_(tree), info_(info), extended_(extended), decoded_(decoded) {}

  // Recursion is bounded by kMaxNesting.
  void part(uint32_t index) {
    out_ += '(';
    const Part& self = tree_.parts[index];
    const bool too_deep = (self.flags & kPartNestingLimit) != 0;
    // A multipart without boundary is shown as one without parts.
    if (self.kind == PartKind::multipart ||
        (self.kind == PartKind::leaf && info_[index].is("multipart") && !too_deep))
      multipart(index);
    else
      single(index);
    out_ += ')';
  }
  std::string take() { return std::move(out_); }

 private:
  void multipart(uint32_t index) {
    const PartInfo& info = info_[index];
    uint32_t child = tree_.parts[index].first_child;
    // A multipart has at least one part in the grammar; a text/plain without bytes stands for none.
    if (child == kNoPart) {
      out_ += "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 0 0";
      out_ += extended_ ? " NIL NIL NIL NIL)" : ")";
    }
    for (; child != kNoPart; child = tree_.parts[child].next_sibling) part(child);
    out_ += ' ';
    append_string(out_, info.subtype);
    if (!extended_) return;
    out_ += ' ';
    append_params(out_, info.params, false);
    append_disposition_to_location(out_, info);
  }

  void single(uint32_t index) {
    const Part& part_ref = tree_.parts[index];
    const PartInfo& info = info_[index];
    const bool message = part_ref.kind == PartKind::message && part_ref.first_child != kNoPart;
    const bool text = !message && info.is_text();
    if ((part_ref.flags & kPartNestingLimit) != 0) {
      out_ += "\"application\" \"octet-stream\"";
    } else {
      append_string(out_, message ? "message" : info.type);
      out_ += ' ';
      append_string(out_, message ? to_lower(info.subtype) : info.subtype);
    }
    out_ += ' ';
    append_params(out_, info.params, text);
    out_ += ' ';
    append_nstring(out_, info.id);
    out_ += ' ';
    append_nstring(out_, info.description);
    out_ += ' ';
    const std::string_view encoding = info.encoding ? std::string_view(*info.encoding) : "7bit";
    const bool decoded = decoded_ != nullptr && part_ref.kind == PartKind::leaf;
    append_string(out_, decoded ? std::string_view(decoded_->encoding) : encoding);
    out_ += ' ';
    out_ += std::to_string(decoded ? decoded_->size : part_ref.body_size());
    if (message) {
      out_ += ' ';
      out_ += info.envelope;
      out_ += ' ';
      part(part_ref.first_child);
    }
    if (message || text) {
      out_ += ' ';
      out_ += std::to_string(decoded ? 0 : part_ref.body_lines);
    }
    if (!extended_) return;
    out_ += ' ';
    append_nstring(out_, info.md5);
    append_disposition_to_location(out_, info);
  }

  const PartTree& tree_;
  const std::vector<PartInfo>& info_;
  const bool extended_;
  const DecodedShape* decoded_;
  std::string out_;
};

}  // namespace

void append_string(std::string& out, std::string_view text) {
  size_t escapes = 0;
  for (const char c : text) {
    if (c == '\0') return append_string(out, without_nul(text));
    if (c == '"' || c == '\\') ++escapes;
    if (c == '\r' || c == '\n' || static_cast<unsigned char>(c) >= 0x80 || escapes > kMaxEscapes)
      return append_literal(out, text.find('\0') == std::string_view::npos ? text : without_nul(text));
  }
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
}

void append_nstring(std::string& out, const std::optional<std::string>& text) {
  if (text)
    append_string(out, *text);
  else
    out += "NIL";
}

std::string render_envelope(const KeptValues& kept) {
  const auto value = [&](Kept which) -> const std::optional<std::string>& {
    return kept[static_cast<size_t>(which)];
  };
  std::string out = "(";
  append_nstring(out, value(Kept::date));
  out += ' ';
  append_nstring(out, value(Kept::subject));
  const AddressList from = list_of(kept, Kept::from);
  out += ' ';
  append_addresses(out, from);
  for (const Kept which : {Kept::sender, Kept::reply_to}) {  // RFC 9051 §7.5.2: From where absent or empty
    const AddressList list = list_of(kept, which);
    out += ' ';
    append_addresses(out, list.empty() ? from : list);
  }
  for (const Kept which : {Kept::to, Kept::cc, Kept::bcc}) {
    out += ' ';
    append_addresses(out, list_of(kept, which));
  }
  out += ' ';
  append_nstring(out, value(Kept::in_reply_to));
  out += ' ';
  append_nstring(out, value(Kept::message_id));
  return out + ')';
}

std::string render_structure(const PartTree& tree, const std::vector<PartInfo>& info, bool extended) {
  Structure structure(tree, info, extended);
  structure.part(0);
  return structure.take();
}

std::string render_body(const Facts& facts) {
  return render_structure(facts.tree, facts.info, false);
}

std::string render_part(const Facts& facts, uint32_t part, const std::optional<DecodedShape>& decoded) {
  Structure structure(facts.tree, facts.info, true, decoded ? &*decoded : nullptr);
  structure.part(part);
  return structure.take();
}

}  // namespace dromos::mime
