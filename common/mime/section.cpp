#include "common/mime/section.h"

#include <algorithm>

#include "common/base/strings.h"
#include "common/mime/encodings.h"
#include "common/mime/header.h"
#include "common/mime/lexer.h"

namespace dromos::mime {
namespace {

constexpr size_t kMaxPath = 2 * kMaxNesting + 2;
constexpr size_t kMaxFields = 1000;

uint32_t nth_child(const PartTree& tree, uint32_t parent, uint32_t n) {
  if (n == 0 || n > tree.parts[parent].child_count) return kNoPart;
  uint32_t child = tree.parts[parent].first_child;
  while (--n > 0) child = tree.parts[child].next_sibling;
  return child;
}

Unexpected bad_section() {
  return fail(Errc::invalid_argument, "no such section specification");
}

// "(From To)" behind HEADER.FIELDS.
bool parse_fields(std::string_view text, std::vector<std::string>& fields) {
  text = trim(text);
  if (text.size() < 2 || text.front() != '(' || text.back() != ')') return false;
  Lexer lexer(text.substr(1, text.size() - 2));
  while (true) {
    while (is_space(lexer.peek())) lexer.advance();
    if (lexer.at_end()) return !fields.empty();
    std::string name;
    if (lexer.peek() == '"') {
      if (!lexer.quoted_string(name)) return false;
    } else {
      lexer.until_any(" \t\r\n()\"", name);
      if (name.empty()) return false;
    }
    if (fields.size() >= kMaxFields) return false;
    fields.push_back(std::move(name));
  }
}

}  // namespace

Result<Section> parse_section(std::string_view spec) {
  Section section;
  while (!spec.empty() && is_digit(spec.front())) {
    size_t end = 0;
    while (end < spec.size() && is_digit(spec[end])) ++end;
    const auto number = parse_number<uint32_t>(spec.substr(0, end));
    if (!number || *number == 0 || section.path.size() >= kMaxPath) return bad_section();
    section.path.push_back(*number);
    spec.remove_prefix(end);
    if (spec.empty()) return section;
    if (spec.front() != '.') return bad_section();
    spec.remove_prefix(1);
    if (spec.empty()) return bad_section();
  }
  using What = Section::What;
  if (spec.empty()) return section;
  if (iequals(spec, "TEXT")) {
    section.what = What::text;
  } else if (iequals(spec, "HEADER")) {
    section.what = What::header;
  } else if (iequals(spec, "MIME") && !section.path.empty()) {
    section.what = What::mime;
  } else {
    for (const auto& [word, what] :
         {std::pair<std::string_view, What>{"HEADER.FIELDS.NOT", What::header_fields_not},
          {"HEADER.FIELDS", What::header_fields}}) {
      if (!istarts_with(spec, word) || !parse_fields(spec.substr(word.size()), section.fields)) continue;
      section.what = what;
      return section;
    }
    return bad_section();
  }
  return section;
}

std::optional<uint32_t> find_part(const PartTree& tree, const std::vector<uint32_t>& path) {
  uint32_t at = 0;        // the part named so far
  bool container = true;  // whether numbers count within `at` as the top of a message
  for (const uint32_t n : path) {
    if (!container && tree.parts[at].kind == PartKind::message) {
      at = tree.parts[at].first_child;
      if (at == kNoPart) return std::nullopt;
      container = true;
    }
    if (tree.parts[at].kind == PartKind::multipart) {
      at = nth_child(tree, at, n);
      if (at == kNoPart) return std::nullopt;
    } else if (!container || n != 1) {
      return std::nullopt;
    }
    container = false;
  }
  return at;
}

std::string part_path(const PartTree& tree, uint32_t part) {
  std::string out;
  const auto prepend = [&](uint32_t n) { out = std::to_string(n) + (out.empty() ? "" : ".") + out; };
  while (true) {
    const Part& self = tree.parts[part];
    const bool top = self.parent == kNoPart || tree.parts[self.parent].kind == PartKind::message;
    if (top) {
      if (self.kind != PartKind::multipart) prepend(1);
      if (self.parent == kNoPart) return out;
    } else {
      uint32_t n = 1;
      for (uint32_t i = tree.parts[self.parent].first_child; i != part; i = tree.parts[i].next_sibling) ++n;
      prepend(n);
    }
    part = self.parent;
  }
}

bool names_stand_in(const PartTree& tree, const std::vector<uint32_t>& path) {
  if (path.empty() || path.back() != 1) return false;
  auto above = find_part(tree, {path.begin(), path.end() - 1});
  if (above && path.size() > 1 && tree.parts[*above].kind == PartKind::message)
    above = tree.parts[*above].first_child;
  return above && *above != kNoPart && tree.parts[*above].kind == PartKind::multipart &&
         tree.parts[*above].child_count == 0;
}

std::optional<Range> section_range(const PartTree& tree, const Section& section) {
  using What = Section::What;
  const auto found = find_part(tree, section.path);
  if (!found) {
    const bool shown = section.what == What::all || section.what == What::mime;
    return shown && names_stand_in(tree, section.path) ? std::optional(Range{}) : std::nullopt;
  }
  const Part* part = &tree.parts[*found];
  if (section.what == What::mime) return Range{part->header_begin, part->body_begin};
  if (section.what == What::all) {
    if (section.path.empty()) return Range{0, tree.size};
    return Range{part->body_begin, part->body_end};
  }
  if (!section.path.empty()) {  // HEADER and TEXT below the top are of an embedded message
    if (part->kind != PartKind::message || part->first_child == kNoPart) return std::nullopt;
    part = &tree.parts[part->first_child];
  }
  if (section.what == What::text) return Range{part->body_begin, part->body_end};
  return Range{part->header_begin, part->body_begin};
}

std::string filter_fields(std::string_view header, const std::vector<std::string>& fields, bool invert) {
  std::string out;
  FieldReader reader(header);
  while (const auto field = reader.next()) {
    const bool named = std::any_of(fields.begin(), fields.end(),
                                   [&](const std::string& name) { return iequals(name, field->name); });
    if (named == invert) continue;
    out += header.substr(field->offset, field->length);
    if (!out.ends_with('\n')) out += "\r\n";
  }
  return out + "\r\n";
}

std::optional<std::string> section_bytes(std::string_view raw, const PartTree& tree, const Section& section) {
  const auto range = section_range(tree, section);
  if (!range || range->end > raw.size()) return std::nullopt;
  const std::string_view bytes = raw.substr(range->begin, range->size());
  using What = Section::What;
  if (section.what == What::header_fields) return filter_fields(bytes, section.fields, false);
  if (section.what == What::header_fields_not) return filter_fields(bytes, section.fields, true);
  return std::string(bytes);
}

Result<std::string> decoded_part(std::string_view raw, const Facts& facts, uint32_t part) {
  if (part >= facts.tree.parts.size() || facts.tree.parts[part].body_end > raw.size())
    return fail(Errc::not_found, "the message has no such part");
  const Part& self = facts.tree.parts[part];
  const PartInfo& info = facts.info[part];
  const std::string_view body = raw.substr(self.body_begin, self.body_size());
  if (self.kind != PartKind::leaf) return std::string(body);
  const Encoding encoding = encoding_of(info.encoding ? std::string_view(*info.encoding) : "");
  if (encoding == Encoding::unknown)
    return fail(Errc::invalid_argument, "the part's transfer encoding is unknown");
  return decode(encoding, body);
}

}  // namespace dromos::mime
