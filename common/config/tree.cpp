#include "common/config/tree.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <istream>
#include <streambuf>

#include "common/base/strings.h"

namespace dromos::config {

namespace {

/// Ends the parse from inside a handler; caught in parse_tree.
struct Refused {
  int line;
  std::string what;
};

/// The parser reads a stream; this one lends it the text without a copy.
class ViewBuffer : public std::streambuf {
 public:
  explicit ViewBuffer(std::string_view text) {
    char* start = const_cast<char*>(text.data());
    setg(start, start, start + text.size());
  }
};

class Builder : public YAML::EventHandler {
 public:
  Builder(Node& root, const std::string& path) : root_(root), path_(path) {}

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    refuse_anchor(mark, anchor);
    place(mark, Node::Kind::null, "");
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { refuse_anchor(mark, 1); }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    refuse_anchor(mark, anchor);
    refuse_tag(mark, tag);
    if (expects_key()) {
      take_key(mark, value);
      return;
    }
    const bool is_null = tag == "?" && (value.empty() || value == "~" || value == "null");
    place(mark, is_null ? Node::Kind::null : Node::Kind::scalar, is_null ? "" : value);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Node::Kind::list);
  }
  void OnSequenceEnd() override { stack_.pop_back(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Node::Kind::map);
  }
  void OnMapEnd() override { stack_.pop_back(); }

 private:
  struct Level {
    Node* node;
    bool has_key;
    std::string key;
  };

  [[noreturn]] static void refuse(const YAML::Mark& mark, std::string what) {
    throw Refused{mark.line + 1, std::move(what)};
  }
  static void refuse_anchor(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != 0)
      refuse(mark, "anchors and aliases (& and *) are not allowed; quote the value if it is text");
  }
  static void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
    if (tag != "?" && tag != "!" && !tag.empty())
      refuse(mark, "tags (!) are not allowed; quote the value if it is text");
  }
  bool expects_key() const {
    return !stack_.empty() && stack_.back().node->kind == Node::Kind::map && !stack_.back().has_key;
  }
  void take_key(const YAML::Mark& mark, const std::string& key) {
    Level& level = stack_.back();
    if (level.node->find(key) != nullptr) refuse(mark, "key \"" + key + "\" is given twice in one section");
    level.has_key = true;
    level.key = key;
  }
  Node* place(const YAML::Mark& mark, Node::Kind kind, std::string scalar) {
    if (++count_ > kMaxNodes) refuse(mark, "more than " + std::to_string(kMaxNodes) + " values");
    if (expects_key()) refuse(mark, "a key must be a word");
    Node* node = &root_;
    if (!stack_.empty()) {
      Level& level = stack_.back();
      if (level.node->kind == Node::Kind::map) {
        node = &level.node->entries.emplace_back(std::move(level.key), Node{}).value;
        level.has_key = false;
      } else {
        node = &level.node->items.emplace_back();
      }
    }
    node->kind = kind;
    node->scalar = std::move(scalar);
    node->where = path_ + ":" + std::to_string(mark.line + 1);
    return node;
  }
  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, Node::Kind kind) {
    refuse_anchor(mark, anchor);
    refuse_tag(mark, tag);
    if (stack_.size() >= kMaxDepth) refuse(mark, "nested deeper than " + std::to_string(kMaxDepth));
    // Parents do not grow while a child is open, so the pointers in the stack stay valid.
    stack_.push_back({place(mark, kind, ""), false, {}});
  }

  Node& root_;
  const std::string& path_;
  std::vector<Level> stack_;
  size_t count_ = 0;
};

tl::unexpected<Problems> problem(std::string where, std::string what) {
  Problems problems;
  problems.add({std::move(where), "", std::move(what)});
  return tl::unexpected(std::move(problems));
}

/// Any YAML value, for files and for the text of an environment variable.
Checked<Node> parse_value(std::string_view yaml, const std::string& path) {
  if (yaml.size() > kMaxFileSize) {
    return problem(path, "found " + std::to_string(yaml.size()) + " bytes; allowed: at most " +
                             std::to_string(kMaxFileSize));
  }
  if (!is_utf8(yaml) || yaml.find('\0') != std::string_view::npos) return problem(path, "is not UTF-8 text");
  Node root;
  root.where = path + ":1";
  try {
    ViewBuffer buffer(yaml);
    std::istream in(&buffer);
    YAML::Parser parser(in);
    Builder builder(root, path);
    parser.HandleNextDocument(builder);
    Node ignored;
    Builder second(ignored, path);
    if (parser.HandleNextDocument(second))
      return problem(path, "holds more than one document (---); allowed: one");
  } catch (const Refused& refused) {
    return problem(path + ":" + std::to_string(refused.line), refused.what);
  } catch (const YAML::Exception& error) {
    return problem(path + ":" + std::to_string(error.mark.line + 1), "is not valid YAML: " + error.msg);
  } catch (const std::exception& error) {
    return problem(path, std::string("is not valid YAML: ") + error.what());
  }
  return root;
}

/// "environment NAME" for a node made from a variable, and for all below it.
void set_where(Node& node, const std::string& where) {
  node.where = where;
  for (Node& item : node.items) set_where(item, where);
  for (auto& [key, value] : node.entries) set_where(value, where);
}

Node* child(Node& node, const std::string& key) {
  for (auto& [known, value] : node.entries) {
    if (known == key) return &value;
  }
  return &node.entries.emplace_back(key, Node{}).value;
}

void apply_variable(Node& root, std::string_view name, std::string_view text, Problems& problems) {
  const std::string where = "environment " + std::string(name);
  std::string rest = to_lower(name.substr(std::string_view("DROMOS_").size()));
  Node* node = &root;
  while (!rest.empty()) {
    if (node->kind == Node::Kind::null) {
      node->kind = Node::Kind::map;
      if (node->where.empty()) node->where = where;
    }
    if (node->kind != Node::Kind::map) {
      problems.add({where, "", "names a key below " + node->where + ", which holds " + node->describe()});
      return;
    }
    const size_t end = rest.find("__");
    const std::string key = rest.substr(0, end);
    rest = end == std::string::npos ? "" : rest.substr(end + 2);
    node = child(*node, key);
  }
  auto value = parse_value(text, where);
  if (value && value->kind == Node::Kind::map) value = Node{};  // "a: b" is text here
  if (!value || (value->kind == Node::Kind::null && !text.empty())) {
    value = Node{};
    value->kind = Node::Kind::scalar;
    value->scalar = std::string(text);
  }
  set_where(*value, where);
  *node = std::move(*value);
}

}  // namespace

const Node* Node::find(std::string_view key) const {
  for (const auto& [known, value] : entries) {
    if (known == key) return &value;
  }
  return nullptr;
}

std::string Node::describe() const {
  constexpr size_t kShown = 60;
  switch (kind) {
    case Kind::null:
      return "nothing";
    case Kind::list:
      return "a list";
    case Kind::map:
      return "a section";
    case Kind::scalar:
      break;
  }
  std::string shown = "\"";
  for (const char c : std::string_view(scalar).substr(0, kShown)) {
    shown += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? '?' : c;
  }
  return clean_utf8(shown) + (scalar.size() > kShown ? "...\"" : "\"");
}

Checked<Node> parse_tree(std::string_view yaml, const std::string& path) {
  auto root = parse_value(yaml, path);
  if (!root) return root;
  if (root->kind == Node::Kind::null) root->kind = Node::Kind::map;
  if (root->kind != Node::Kind::map) {
    return problem(root->where, "found " + root->describe() + "; allowed: sections such as \"mta:\"");
  }
  return root;
}

void apply_environment(Node& root, char** environment, Problems& problems) {
  if (environment == nullptr) return;
  std::vector<std::string_view> variables;
  for (char** entry = environment; *entry != nullptr; ++entry) variables.emplace_back(*entry);
  std::sort(variables.begin(), variables.end());  // shorter names first: a section before its keys
  for (const std::string_view variable : variables) {
    const size_t equals = variable.find('=');
    if (equals == std::string_view::npos || !variable.starts_with("DROMOS_")) continue;
    const std::string_view name = variable.substr(0, equals);
    if (name.find("__", std::string_view("DROMOS_").size()) == std::string_view::npos) continue;
    apply_variable(root, name, variable.substr(equals + 1), problems);
  }
}

}  // namespace dromos::config
