#include "common/mime/seven_bit.h"

#include "common/base/strings.h"
#include "common/mime/encodings.h"
#include "common/mime/header.h"
#include "common/mime/parser.h"

namespace dromos::mime {
namespace {

constexpr std::string_view kEncodingField = "Content-Transfer-Encoding";

/// What a part's header says of its body.
struct Described {
  ContentType type;
  bool typed = false;
  std::string encoding;  ///< lower case; "" means 7bit
};

Described describe(std::string_view header) {
  Described out;
  if (const auto field = find_field(header, "Content-Type")) {
    out.type = parse_content_type(unfold(field->value));
    out.typed = !out.type.subtype.empty();
  }
  if (const auto field = find_field(header, kEncodingField))
    out.encoding = to_lower(parse_transfer_encoding(unfold(field->value)).value_or(""));
  return out;
}

bool has_eight_bits(std::string_view bytes) {
  return !is_ascii(bytes);
}
bool has_nul(std::string_view bytes) {
  return bytes.find('\0') != std::string_view::npos;
}

/// Encodes the leaves that hold what must not be there.
class Converter {
 public:
  using Offends = bool (*)(std::string_view);
  Converter(std::string_view raw, Offends offends) : raw_(raw), tree_(parse(raw)), offends_(offends) {}

  SevenBit run() {
    part(0);
    std::string reason = std::move(reason_);
    if (reason.empty() && offends_(out_)) reason = "8-bit octets between its parts";
    if (!reason.empty()) return {SevenBit::Form::impossible, {}, std::move(reason)};
    return {SevenBit::Form::converted, std::move(out_), {}};
  }

 private:
  std::string_view bytes(uint64_t begin, uint64_t end) const { return raw_.substr(begin, end - begin); }
  std::string_view header_of(const Part& part) const { return bytes(part.header_begin, part.body_begin); }
  std::string_view body_of(const Part& part) const { return bytes(part.body_begin, part.body_end); }

  /// The header with another encoding, and what a message that was not MIME needs to say so.
  void header(const Part& part, std::string_view encoding, const Described& described) {
    const std::string_view old = header_of(part);
    for (FieldReader reader(old); const auto field = reader.next();)
      if (!iequals(field->name, kEncodingField)) out_ += old.substr(field->offset, field->length);
    if (!out_.empty() && !out_.ends_with('\n')) out_ += "\r\n";
    if (part.depth == 0) {
      if (!find_field(old, "MIME-Version")) out_ += "MIME-Version: 1.0\r\n";
      // RFC 1428 §3: nobody has said what the octets mean.
      if (!described.typed) out_ += "Content-Type: text/plain; charset=unknown-8bit\r\n";
    }
    out_.append(kEncodingField).append(": ").append(encoding).append("\r\n\r\n");
  }

  void leaf(const Part& part) {
    const Described described = describe(header_of(part));
    const std::string& encoding = described.encoding;
    if (!encoding.empty() && encoding != "7bit" && encoding != "8bit" && encoding != "binary")
      return give_up("8-bit octets in a part that says it is " + encoding);
    if (described.typed && (described.type.is("message") || described.type.is("multipart")))
      return give_up("8-bit octets in a part of type " + described.type.type + "/" + described.type.subtype);
    const bool text = !described.typed || described.type.is("text");
    header(part, text ? "quoted-printable" : "base64", described);
    const std::string_view body = body_of(part);
    if (text) {
      out_ += encode_quoted_printable(body);
      return;
    }
    std::string lines = encode_base64_lines(body);
    if (part.depth > 0 && lines.ends_with("\r\n")) lines.resize(lines.size() - 2);  // the delimiter has one
    out_ += lines;
  }

  void container(const Part& part) {
    const Described described = describe(header_of(part));
    if (described.type.is("multipart", "signed") || described.type.is("multipart", "encrypted"))
      return give_up("it is signed or encrypted");
    if (described.encoding == "8bit" || described.encoding == "binary")
      header(part, "7bit", described);
    else
      out_ += header_of(part);
    uint64_t at = part.body_begin;
    for (uint32_t child = part.first_child; child != kNoPart && reason_.empty();
         child = tree_.parts[child].next_sibling) {
      out_ += bytes(at, tree_.parts[child].header_begin);  // preamble or delimiter
      this->part(child);
      at = tree_.parts[child].body_end;
    }
    out_ += bytes(at, part.body_end);
  }

  /// Nesting is bounded by the parser.
  void part(uint32_t index) {
    const Part& part = tree_.parts[index];
    if (!offends_(bytes(part.header_begin, part.body_end))) {
      out_ += bytes(part.header_begin, part.body_end);
      return;
    }
    if (offends_(header_of(part))) return give_up("8-bit octets in a header");
    if (part.kind == PartKind::leaf)
      leaf(part);
    else
      container(part);
  }

  void give_up(std::string reason) { reason_ = std::move(reason); }

  std::string_view raw_;
  PartTree tree_;
  const Offends offends_;
  std::string out_;
  std::string reason_;
};

}  // namespace

SevenBit seven_bit_too_large() {
  return {SevenBit::Form::impossible, {}, "it is too large"};
}

SevenBit seven_bit_form(std::string_view raw) {
  if (is_ascii(raw)) return {};
  if (raw.size() > kMaxConverted) return seven_bit_too_large();
  return Converter(raw, has_eight_bits).run();
}

SevenBit without_nul(std::string_view raw) {
  if (!has_nul(raw)) return {};
  if (raw.size() > kMaxConverted) return seven_bit_too_large();
  return Converter(raw, has_nul).run();
}

}  // namespace dromos::mime
