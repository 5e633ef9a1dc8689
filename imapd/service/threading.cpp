#include "imapd/service/threading.h"

#include <algorithm>
#include <unordered_map>

#include "imapd/service/link_forest.h"

namespace dromos::imapd {
namespace {

using Node = ThreadForest::Node;

/// Sibling lists that are appended to and sorted, without recursion.
class Builder {
 public:
  explicit Builder(std::span<const ThreadMessage> messages) : messages_(messages) {}

  uint32_t add(uint32_t message) {
    forest_.nodes.push_back({message});
    last_.push_back(kNoNode);
    return static_cast<uint32_t>(forest_.nodes.size() - 1);
  }
  Node& node(uint32_t at) { return forest_.nodes[at]; }
  bool dummy(uint32_t at) const { return forest_.nodes[at].message == kNoNode; }
  const ThreadMessage& message(uint32_t at) const { return messages_[forest_.nodes[at].message]; }

  void append_child(uint32_t parent, uint32_t child) {
    node(child).next_sibling = kNoNode;
    if (node(parent).first_child == kNoNode)
      node(parent).first_child = child;
    else
      node(last_[parent]).next_sibling = child;
    last_[parent] = child;
  }
  /// All children of `from` behind those of `parent`.
  void append_children(uint32_t parent, uint32_t from) {
    for (uint32_t child = node(from).first_child; child != kNoNode;) {
      const uint32_t next = node(child).next_sibling;
      append_child(parent, child);
      child = next;
    }
    node(from).first_child = kNoNode;
  }
  /// Who speaks for a node: itself, or the first child of a dummy.
  uint32_t speaker(uint32_t at) const { return dummy(at) ? forest_.nodes[at].first_child : at; }
  /// By sent date, then mailbox order (RFC 5256 §2.2).
  void sort(std::vector<uint32_t>& siblings) const {
    std::sort(siblings.begin(), siblings.end(), [this](uint32_t a, uint32_t b) {
      const uint32_t one = forest_.nodes[speaker(a)].message;
      const uint32_t other = forest_.nodes[speaker(b)].message;
      if (messages_[one].sent != messages_[other].sent) return messages_[one].sent < messages_[other].sent;
      return one < other;
    });
  }
  void sort_children(uint32_t parent) {
    const uint32_t first = node(parent).first_child;
    if (first == kNoNode || node(first).next_sibling == kNoNode) return;
    scratch_.clear();
    for (uint32_t child = first; child != kNoNode; child = node(child).next_sibling)
      scratch_.push_back(child);
    sort(scratch_);
    node(parent).first_child = kNoNode;
    for (const uint32_t child : scratch_) append_child(parent, child);
  }
  std::vector<uint32_t>& roots() { return forest_.roots; }
  ThreadForest finish() { return std::move(forest_); }
  size_t size() const { return forest_.nodes.size(); }

 private:
  std::span<const ThreadMessage> messages_;
  ThreadForest forest_;
  std::vector<uint32_t> last_;
  std::vector<uint32_t> scratch_;
};

/// How many references of one message count, so that all together stay within `max_links`.
size_t references_each(std::span<const ThreadMessage> messages, size_t max_links) {
  for (size_t each = 1024; each > 1; each /= 2) {
    size_t sum = 0;
    for (const ThreadMessage& message : messages) sum += std::min(message.references.size(), each);
    if (sum <= max_links) return each;
  }
  return 1;
}

class References {
 public:
  References(std::span<const ThreadMessage> messages, size_t max_links)
      : messages_(messages), each_(references_each(messages, max_links)), build_(messages) {}

  ThreadForest run() {
    make_nodes();
    for (uint32_t i = 0; i < messages_.size(); ++i) link(i);
    gather();
    merge_subjects();
    sort_all();
    return build_.finish();
  }

 private:
  std::span<const uint64_t> references(uint32_t i) const {
    const auto all = messages_[i].references;
    return all.subspan(all.size() - std::min(all.size(), each_));
  }

  /// Nodes 0..n-1 are the messages; who comes second with an id has none that others can refer to.
  void make_nodes() {
    by_id_.reserve(messages_.size() * 2);
    links_.reserve(messages_.size() * 2);
    for (uint32_t i = 0; i < messages_.size(); ++i) {
      build_.add(i);
      links_.add();
      if (messages_[i].id != 0) by_id_.try_emplace(messages_[i].id, i);
    }
  }
  uint32_t node_of(uint64_t id) {
    const auto [at, made] = by_id_.try_emplace(id, 0);
    if (made) {
      at->second = build_.add(kNoNode);
      links_.add();
    }
    return at->second;
  }

  /// Step 1.
  void link(uint32_t i) {
    uint32_t parent = kNoNode;
    for (const uint64_t id : references(i)) {
      const uint32_t node = node_of(id);
      if (parent != kNoNode && links_.parent(node) == LinkForest::kNone) links_.link(parent, node);
      parent = node;
    }
    if (parent != kNoNode && links_.parent(i) == parent) return;
    links_.cut(i);
    if (parent != kNoNode) links_.link(parent, i);
  }

  /// Steps 2 to 4: lists of children, without dummies but at the root.
  void gather() {
    const auto count = static_cast<uint32_t>(build_.size());
    for (uint32_t i = 0; i < count; ++i)
      if (links_.parent(i) != LinkForest::kNone) build_.append_child(links_.parent(i), i);
    std::vector<uint32_t> order;  // parents before children
    order.reserve(count);
    std::vector<uint32_t> tops;
    for (uint32_t i = 0; i < count; ++i)
      if (links_.parent(i) == LinkForest::kNone) tops.push_back(i);
    order = tops;
    for (size_t at = 0; at < order.size(); ++at)
      for (uint32_t child = build_.node(order[at]).first_child; child != kNoNode;
           child = build_.node(child).next_sibling)
        order.push_back(child);
    for (auto at = order.rbegin(); at != order.rend(); ++at) promote_children_of_dummies(*at);
    for (const uint32_t top : tops) {
      const uint32_t child = build_.node(top).first_child;
      if (!build_.dummy(top))
        build_.roots().push_back(top);
      else if (child != kNoNode && build_.node(child).next_sibling == kNoNode)
        build_.roots().push_back(child);
      else if (child != kNoNode)
        build_.roots().push_back(top);
    }
    for (const uint32_t root : build_.roots())
      if (build_.dummy(root)) build_.sort_children(root);
    build_.sort(build_.roots());
  }
  void promote_children_of_dummies(uint32_t parent) {
    uint32_t child = build_.node(parent).first_child;
    build_.node(parent).first_child = kNoNode;
    while (child != kNoNode) {
      const uint32_t next = build_.node(child).next_sibling;
      if (build_.dummy(child))
        build_.append_children(parent, child);
      else
        build_.append_child(parent, child);
      child = next;
    }
  }

  std::string_view subject(uint32_t root) const { return build_.message(build_.speaker(root)).subject; }
  bool is_reply(uint32_t root) const { return !build_.dummy(root) && build_.message(root).reply; }

  /// Step 5.
  void merge_subjects() {
    std::unordered_map<std::string_view, uint32_t> table;
    for (const uint32_t root : build_.roots()) {
      if (subject(root).empty()) continue;
      const auto [at, made] = table.try_emplace(subject(root), root);
      if (made || build_.dummy(at->second)) continue;
      if (build_.dummy(root) || (is_reply(at->second) && !is_reply(root))) at->second = root;
    }
    std::vector<uint32_t> roots = std::move(build_.roots());
    std::vector<bool> below(build_.size());
    std::vector<uint32_t> made;
    for (const uint32_t root : roots) {
      if (subject(root).empty()) continue;
      uint32_t& known = table.at(subject(root));
      if (known == root) continue;
      if (build_.dummy(known) && build_.dummy(root)) {
        build_.append_children(known, root);
      } else if (build_.dummy(known) || (is_reply(root) && !is_reply(known))) {
        build_.append_child(known, root);
      } else {
        const uint32_t dummy = build_.add(kNoNode);
        made.push_back(dummy);
        below[known] = true;
        build_.append_child(dummy, known);
        build_.append_child(dummy, root);
        known = dummy;
      }
      below[root] = true;
    }
    build_.roots().clear();
    for (const uint32_t root : roots)
      if (!below[root]) build_.roots().push_back(root);
    build_.roots().insert(build_.roots().end(), made.begin(), made.end());
  }

  /// Step 6.
  void sort_all() {
    for (uint32_t i = 0; i < build_.size(); ++i) build_.sort_children(i);
    build_.sort(build_.roots());
  }

  std::span<const ThreadMessage> messages_;
  const size_t each_;
  Builder build_;
  LinkForest links_;
  std::unordered_map<uint64_t, uint32_t> by_id_;
};

}  // namespace

ThreadForest thread_by_references(std::span<const ThreadMessage> messages, size_t max_links) {
  return References(messages, max_links).run();
}

ThreadForest thread_by_subject(std::span<const ThreadMessage> messages) {
  Builder build(messages);
  std::vector<uint32_t> order;
  order.reserve(messages.size());
  for (uint32_t i = 0; i < messages.size(); ++i) order.push_back(build.add(i));
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    if (const int by = messages[a].subject.compare(messages[b].subject); by != 0) return by < 0;
    if (messages[a].sent != messages[b].sent) return messages[a].sent < messages[b].sent;
    return a < b;
  });
  for (const uint32_t i : order) {
    if (!build.roots().empty() && messages[build.roots().back()].subject == messages[i].subject)
      build.append_child(build.roots().back(), i);
    else
      build.roots().push_back(i);
  }
  build.sort(build.roots());
  return build.finish();
}

namespace {

class Formatter {
 public:
  Formatter(const ThreadForest& forest, std::span<const ThreadMessage> messages, size_t max_nesting)
      : nodes_(forest.nodes), messages_(messages), max_nesting_(max_nesting) {}

  void root(uint32_t at) {
    if (nodes_[at].message != kNoNode) {
      lists(at, kNoNode);
      return;
    }
    out += '(';
    lists(nodes_[at].first_child, kNoNode, 1);
    out += ')';
  }
  std::string out;

 private:
  /// A list for `first` and for each of its siblings up to `stop`; with `nesting` 0 for `first` alone.
  void lists(uint32_t first, uint32_t stop, size_t nesting = 0) {
    struct Level {
      uint32_t next;  // sibling to be told
      uint32_t stop;
    };
    std::vector<Level> open;
    open.push_back({first, nesting == 0 ? nodes_[first].next_sibling : stop});
    while (!open.empty()) {
      Level& level = open.back();
      if (level.next == level.stop) {
        open.pop_back();
        if (!open.empty()) out += ')';  // the list that these were in
        continue;
      }
      uint32_t at = level.next;
      level.next = nodes_[at].next_sibling;
      out += '(';
      number(at);
      // Successive only children need no lists of their own.
      while (only_child(at)) {
        at = nodes_[at].first_child;
        out += ' ';
        number(at);
      }
      if (nodes_[at].first_child == kNoNode) {
        out += ')';
      } else if (open.size() + nesting < max_nesting_) {
        out += ' ';
        open.push_back({nodes_[at].first_child, kNoNode});
      } else {
        out += ' ';
        flat(at);
        out += ')';
      }
    }
  }
  bool only_child(uint32_t at) const {
    const uint32_t child = nodes_[at].first_child;
    return child != kNoNode && nodes_[child].next_sibling == kNoNode;
  }
  void number(uint32_t at) { out += std::to_string(messages_[nodes_[at].message].number); }
  /// All below `top` as siblings.
  void flat(uint32_t top) {
    std::vector<uint32_t> rest{nodes_[top].first_child};
    while (!rest.empty()) {
      const uint32_t at = rest.back();
      rest.pop_back();
      out += '(';
      number(at);
      out += ')';
      if (nodes_[at].next_sibling != kNoNode) rest.push_back(nodes_[at].next_sibling);
      if (nodes_[at].first_child != kNoNode) rest.push_back(nodes_[at].first_child);
    }
  }

  const std::vector<Node>& nodes_;
  std::span<const ThreadMessage> messages_;
  const size_t max_nesting_;
};

}  // namespace

std::string format_threads(const ThreadForest& forest, std::span<const ThreadMessage> messages,
                           size_t max_nesting) {
  Formatter formatter(forest, messages, max_nesting);
  for (const uint32_t root : forest.roots) formatter.root(root);
  return std::move(formatter.out);
}

}  // namespace dromos::imapd
