// YAML text into a small tree that remembers lines. The only user of yaml-cpp.
//
// A configuration needs mappings, lists and scalars: anchors, aliases, tags of other types and several
// documents are refused, as are files over kMaxFileSize, trees deeper than kMaxDepth or larger than
// kMaxNodes, and keys given twice. Bad input gives a Problem, never an exception.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/config/problems.h"

namespace dromos::config {

inline constexpr size_t kMaxFileSize = 256 << 10;
inline constexpr size_t kMaxDepth = 12;
inline constexpr size_t kMaxNodes = 20'000;

struct Node {
  struct Entry;
  enum class Kind { null, scalar, list, map };
  Kind kind = Kind::null;
  std::string scalar;
  std::vector<Node> items;     // list
  std::vector<Entry> entries;  // map, in the order of the file
  std::string where;           // "file:line" or "environment NAME"

  const Node* find(std::string_view key) const;
  /// For messages: "text", a list, a section, nothing.
  std::string describe() const;
};

struct Node::Entry {
  std::string key;
  Node value;
};

/// A tree whose root is a map (empty text: an empty map), or what is wrong.
Checked<Node> parse_tree(std::string_view yaml, const std::string& path);

/// Puts each DROMOS_<SECTION>__<KEY>[__<KEY>...] of `environment` into the tree, lower-cased; values are YAML
/// ("[a, b]" is a list). Names without "__" mean nothing here.
void apply_environment(Node& root, char** environment, Problems& problems);

}  // namespace dromos::config
