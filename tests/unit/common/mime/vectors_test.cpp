// Every message of tests/data/mime, and of the folder named by DROMOS_MIME_VECTORS if set: the structure does
// not depend on how bytes arrive, offsets are consistent, facts survive encoding, and nothing throws.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "common/base/strings.h"
#include "common/mime/body_parts.h"
#include "common/mime/facts.h"
#include "common/mime/section.h"
#include "common/mime/text.h"

using namespace dromos;
using namespace dromos::mime;

namespace {

std::string read(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream out;
  out << in.rdbuf();
  return out.str();
}

// tests/data/mime of the checkout this binary was built in.
std::filesystem::path data_folder() {
  auto at = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  while (!std::filesystem::exists(at / "tests/data/mime/NOTE.md") && at != at.root_path())
    at = at.parent_path();
  return at / "tests/data/mime";
}

PartTree in_pieces(std::string_view raw, size_t piece) {
  Parser parser;
  for (size_t i = 0; i < raw.size(); i += piece) parser.feed(raw.substr(i, piece));
  return parser.finish();
}

void check_offsets(std::string_view raw, const PartTree& tree) {
  REQUIRE(tree.size == raw.size());
  REQUIRE(tree.root().header_begin == 0);
  REQUIRE(tree.root().body_end == raw.size());
  for (uint32_t i = 0; i < tree.parts.size(); ++i) {
    const Part& part = tree.parts[i];
    REQUIRE(part.header_begin <= part.body_begin);
    REQUIRE(part.body_begin <= part.body_end);
    const auto lines = [&](uint64_t a, uint64_t b) {
      return std::count(raw.begin() + a, raw.begin() + b, '\n');
    };
    REQUIRE(part.header_lines == lines(part.header_begin, part.body_begin));
    REQUIRE(part.body_lines == lines(part.body_begin, part.body_end));
    if (part.parent == kNoPart) continue;
    const Part& above = tree.parts[part.parent];
    REQUIRE(part.parent < i);
    REQUIRE(part.header_begin >= above.body_begin);
    REQUIRE(part.body_end <= above.body_end);
  }
}

// Length of the parenthesised expression that starts `text`, honouring strings and literals.
size_t balanced(std::string_view text) {
  size_t depth = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '(') ++depth;
    if (text[i] == ')' && --depth == 0) return i + 1;
    if (text[i] == '"') {
      for (++i; i < text.size() && text[i] != '"'; ++i)
        if (text[i] == '\\') ++i;
    } else if (text[i] == '{') {
      const size_t close = text.find('}', i);
      const auto n = parse_number<size_t>(text.substr(i + 1, close - i - 1));
      if (!n) return 0;
      i = close + 2 + *n;
    }
  }
  return 0;
}

void check_message(std::string_view raw) {
  const PartTree tree = parse(raw);
  check_offsets(raw, tree);
  REQUIRE(in_pieces(raw, 1) == tree);
  REQUIRE(in_pieces(raw, 7) == tree);
  const Facts facts = build_facts(raw);
  REQUIRE(facts.tree == tree);
  REQUIRE(facts.info.size() == tree.parts.size());
  const std::string bytes = encode_facts(facts);
  const auto decoded = decode_facts(bytes);
  REQUIRE(decoded);
  REQUIRE(*decoded == facts);
  REQUIRE(is_utf8(facts.preview));
  REQUIRE(is_utf8(facts.base_subject));
  REQUIRE(balanced(facts.envelope) == facts.envelope.size());
  REQUIRE(balanced(facts.bodystructure) == facts.bodystructure.size());
  const std::string body = render_body(facts);
  REQUIRE(balanced(body) == body.size());
  REQUIRE(facts.envelope.find('\0') == std::string::npos);
  uint64_t end = 0;
  for (const HeaderEntry& entry : facts.headers) {
    REQUIRE(entry.offset == end);
    end += entry.length;
  }
  REQUIRE(end <= tree.root().body_begin);
  const std::string text = search_text(raw, facts);
  REQUIRE(is_utf8(text));
  REQUIRE(std::count(text.begin(), text.end(), '\0') == 1);
  for (uint32_t i = 0; i < tree.parts.size(); ++i) {
    if (tree.parts[i].kind == PartKind::multipart) continue;
    const auto section = parse_section(part_path(tree, i));
    REQUIRE(section);
    REQUIRE(find_part(tree, section->path) == i);
  }
}

size_t check_folder(const std::filesystem::path& folder) {
  size_t count = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    const std::string raw = read(entry.path());
    INFO(entry.path());
    check_message(raw);
    ++count;
  }
  return count;
}

}  // namespace

TEST_CASE("every message of the collection parses alike whole and in pieces and survives encoding",
          "[unit][mime]") {
  CHECK(check_folder(data_folder()) > 100);
  if (const char* folder = std::getenv("DROMOS_MIME_VECTORS"))
    std::cout << "messages of " << folder << ": " << check_folder(folder) << "\n";
}
