// LinkForest: trees that grow and are cut while one asks for roots, each step in logarithmic time
// (amortised), whatever their depth: link-cut trees after Sleator and Tarjan. For threading, where references
// may form chains and loops of any length.
#pragma once

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

namespace dromos::imapd {

class LinkForest {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  uint32_t add() {
    nodes_.emplace_back();
    return static_cast<uint32_t>(nodes_.size() - 1);
  }
  void reserve(size_t count) { nodes_.reserve(count); }
  size_t size() const { return nodes_.size(); }
  uint32_t parent(uint32_t node) const { return nodes_[node].parent; }

  /// `child` has no parent. False, and nothing happens, if `parent` is the child or below it.
  bool link(uint32_t parent, uint32_t child) {
    if (parent == child) return false;
    Node& below = nodes_[child];
    // A leaf cannot close a loop.
    if (below.children > 0 && root(parent) == child) return false;
    splay(child);
    nodes_[child].path = parent;
    below.parent = parent;
    ++nodes_[parent].children;
    return true;
  }
  void cut(uint32_t child) {
    Node& node = nodes_[child];
    if (node.parent == kNone) return;
    access(child);
    nodes_[node.side[0]].path = kNone;
    node.side[0] = kNone;
    --nodes_[node.parent].children;
    node.parent = kNone;
  }
  uint32_t root(uint32_t node) {
    access(node);
    while (nodes_[node].side[0] != kNone) node = nodes_[node].side[0];
    splay(node);
    return node;
  }

 private:
  struct Node {
    uint32_t parent = kNone;  // in the forest
    uint32_t children = 0;
    uint32_t path = kNone;  // in the splay tree, or from its top to the path above
    std::array<uint32_t, 2> side{kNone, kNone};
  };
  bool is_top(uint32_t node) const {
    const uint32_t above = nodes_[node].path;
    return above == kNone || (nodes_[above].side[0] != node && nodes_[above].side[1] != node);
  }
  void rotate(uint32_t node) {
    const uint32_t above = nodes_[node].path;
    const uint32_t top = nodes_[above].path;
    const int side = nodes_[above].side[1] == node ? 1 : 0;
    if (!is_top(above)) nodes_[top].side[nodes_[top].side[1] == above ? 1 : 0] = node;
    nodes_[node].path = top;
    const uint32_t inner = nodes_[node].side[1 - side];
    nodes_[above].side[side] = inner;
    if (inner != kNone) nodes_[inner].path = above;
    nodes_[node].side[1 - side] = above;
    nodes_[above].path = node;
  }
  void splay(uint32_t node) {
    while (!is_top(node)) {
      const uint32_t above = nodes_[node].path;
      if (!is_top(above)) {
        const uint32_t top = nodes_[above].path;
        const bool same = (nodes_[above].side[1] == node) == (nodes_[top].side[1] == above);
        rotate(same ? above : node);
      }
      rotate(node);
    }
  }
  /// Makes the path from the root to `node` one splay tree with `node` on top and nothing below it.
  void access(uint32_t node) {
    uint32_t below = kNone;
    for (uint32_t at = node; at != kNone; at = nodes_[at].path) {
      splay(at);
      nodes_[at].side[1] = below;
      below = at;
    }
    splay(node);
  }

  std::vector<Node> nodes_;
};

}  // namespace dromos::imapd
