#include "imapd/service/threading.h"

#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <string>

#include "imapd/service/link_forest.h"

using namespace dromos::imapd;

namespace {

/// Messages numbered from 1; ids and references are letters.
struct Mail {
  char id = 0;
  std::string references;
  int64_t sent = 0;
  std::string subject;
  bool reply = false;
};

std::string threads(const std::vector<Mail>& mail, bool by_subject = false) {
  std::vector<std::vector<uint64_t>> references;
  std::vector<ThreadMessage> messages;
  for (const Mail& m : mail) references.emplace_back(m.references.begin(), m.references.end());
  for (size_t i = 0; i < mail.size(); ++i) {
    ThreadMessage message;
    message.number = static_cast<uint32_t>(i + 1);
    message.sent = mail[i].sent;
    message.id = static_cast<uint64_t>(mail[i].id);
    message.reply = mail[i].reply;
    message.subject = mail[i].subject;
    message.references = references[i];
    messages.push_back(message);
  }
  const ThreadForest forest = by_subject ? thread_by_subject(messages) : thread_by_references(messages);
  return format_threads(forest, messages);
}

}  // namespace

TEST_CASE("Replies hang below what they refer to", "[unit][imapd]") {
  CHECK(threads({}) == "");
  CHECK(threads({{'a'}, {'b', "a"}, {'c', "ab"}, {'d', "a"}}) == "(1 (2 3)(4))");
  CHECK(threads({{'c', "ab"}, {'b', "a"}, {'a'}}) == "(3 2 1)");
}

TEST_CASE("A parent that is not there holds its children together", "[unit][imapd]") {
  CHECK(threads({{'b', "a"}, {'c', "a"}}) == "((1)(2))");
  CHECK(threads({{'b', "a"}}) == "(1)");
  // Missing ones within a thread leave no trace.
  CHECK(threads({{'a'}, {'d', "abc"}, {'e', "ab"}}) == "(1 (2)(3))");
  // Promoted to the root only if alone.
  CHECK(threads({{'d', "xyz"}, {'e', "xyz"}}) == "((1)(2))");
}

TEST_CASE("The RFC's own tree is written as it says", "[unit][imapd]") {
  // RFC 5256 section 4: (2)(3 6 (4 23)(44 7 96)), here renumbered in mailbox order.
  CHECK(
      threads(
          {{'b'}, {'c'}, {'d', "cf"}, {'f', "c"}, {'g', "cfk"}, {'w', "cfd"}, {'k', "cf"}, {'z', "cfkg"}}) ==
      "(1)(2 4 (3 6)(7 5 8))");
}

TEST_CASE("The nearest reference decides, and a second message with an id is nobody's parent",
          "[unit][imapd]") {
  // The first sight of b put it below a; its own References say c.
  CHECK(threads({{'x', "ab"}, {'c'}, {'b', "c"}, {'a'}}) == "(2 3 1)(4)");
  CHECK(threads({{'a'}, {'a'}, {'b', "a"}}) == "(1 3)(2)");
  CHECK(threads({{0}, {0}, {'b'}}) == "(1)(2)(3)");
}

TEST_CASE("Loops are not closed", "[unit][imapd]") {
  CHECK(threads({{'a', "a"}}) == "(1)");
  CHECK(threads({{'a', "b"}, {'b', "a"}}) == "(2 1)");
  CHECK(threads({{'a', "bcb"}, {'b', "ac"}, {'c', "ab"}}).size() >= 9);
}

TEST_CASE("Siblings go by sent date, then by place", "[unit][imapd]") {
  CHECK(threads({{'a', "", 5}, {'b', "a", 9}, {'c', "a", 7}, {'d', "a", 7}, {'e', "", 1}}) ==
        "(5)(1 (3)(4)(2))");
  // A dummy goes by its first child.
  CHECK(threads({{'b', "a", 9}, {'c', "a", 2}, {'d', "", 3}}) == "((2)(1))(3)");
}

TEST_CASE("Threads of one subject come together", "[unit][imapd]") {
  // A reply without references below the original.
  CHECK(threads({{'a', "", 1, "S"}, {'b', "", 2, "S", true}}) == "(1 2)");
  CHECK(threads({{'b', "", 1, "S", true}, {'a', "", 2, "S"}}) == "(2 1)");
  // Two originals, or two replies, below nobody.
  CHECK(threads({{'a', "", 1, "S"}, {'b', "", 2, "S"}, {'c', "", 3, "S"}}) == "((1)(2)(3))");
  CHECK(threads({{'a', "", 1, "S", true}, {'b', "", 2, "S", true}}) == "((1)(2))");
  CHECK(threads({{'a', "", 1, ""}, {'b', "", 2, ""}}) == "(1)(2)");
  // Dummies with dummies, and others with dummies.
  CHECK(threads({{'b', "a", 1, "S"}, {'c', "a", 2, "S"}, {'d', "x", 3, "S"}, {'e', "x", 4, "S"}}) ==
        "((1)(2)(3)(4))");
  CHECK(threads({{'b', "a", 1, "S"}, {'c', "a", 2, "S"}, {'d', "", 3, "S"}}) == "((1)(2)(3))");
  CHECK(threads({{'d', "", 0, "S"}, {'b', "a", 1, "S"}, {'c', "a", 2, "S"}}) == "((1)(2)(3))");
}

TEST_CASE("Ordered subjects: one level below the first of each", "[unit][imapd]") {
  CHECK(threads({{'a', "", 3, "B"},
                 {'b', "", 1, "A"},
                 {'c', "", 2, "B"},
                 {'d', "", 4, "B"},
                 {'e', "", 9, "C"},
                 {'f', "", 8, "C"}},
                true) == "(2)(3 (1)(4))(6 5)");
  CHECK(threads({}, true) == "");
}

TEST_CASE("Chains of any length neither nest nor take long", "[unit][imapd]") {
  constexpr size_t kCount = 200'000;
  std::vector<uint64_t> before(kCount);
  std::vector<ThreadMessage> messages(kCount);
  for (size_t i = 0; i < kCount; ++i) {
    // Backwards: each message is the parent of the one before it.
    before[i] = i + 2;
    messages[i].number = static_cast<uint32_t>(i + 1);
    messages[i].id = i + 1;
    if (i + 1 < kCount) messages[i].references = {&before[i], 1};
  }
  const std::string text = format_threads(thread_by_references(messages), messages);
  CHECK(text.starts_with("(200000 199999 "));
  CHECK(std::count(text.begin(), text.end(), '(') == 1);
}

TEST_CASE("Deep trees are told flat below a depth, and whole", "[unit][imapd]") {
  constexpr size_t kDepth = 5'000;  // two children each, one of which goes on
  std::vector<uint64_t> parent(2 * kDepth);
  std::vector<ThreadMessage> messages(2 * kDepth);
  for (size_t i = 0; i < messages.size(); ++i) {
    messages[i].number = static_cast<uint32_t>(i + 1);
    messages[i].id = i + 1;
    parent[i] = (i / 2) * 2;
    if (i >= 2) messages[i].references = {&parent[i], 1};
  }
  const ThreadForest forest = thread_by_references(messages);
  const std::string text = format_threads(forest, messages);
  size_t depth = 0;
  size_t deepest = 0;
  size_t numbers = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '(') deepest = std::max(deepest, ++depth);
    if (text[i] == ')') --depth;
    if (std::isdigit(static_cast<unsigned char>(text[i])) != 0 &&
        std::isdigit(static_cast<unsigned char>(text[i - 1])) == 0)
      ++numbers;
  }
  CHECK(depth == 0);
  CHECK(deepest == kMaxThreadNesting + 1);
  CHECK(numbers == messages.size());
}

TEST_CASE("References beyond the bound give way to the nearest", "[unit][imapd]") {
  std::vector<uint64_t> many(1000);
  for (size_t i = 0; i < many.size(); ++i) many[i] = 1000 + i;
  std::vector<ThreadMessage> messages(100);
  for (size_t i = 0; i < messages.size(); ++i) {
    messages[i].number = static_cast<uint32_t>(i + 1);
    messages[i].id = i + 1;
    messages[i].references = many;
  }
  const ThreadForest forest = thread_by_references(messages, 1000);
  CHECK(forest.nodes.size() <= 100 + 10);
  CHECK(format_threads(forest, messages).starts_with("((1)(2)"));
}

TEST_CASE("LinkForest finds the roots that walking finds", "[unit][imapd]") {
  std::mt19937 random(7);
  LinkForest forest;
  std::vector<uint32_t> parent;
  constexpr uint32_t kNodes = 60;
  for (uint32_t i = 0; i < kNodes; ++i) {
    forest.add();
    parent.push_back(LinkForest::kNone);
  }
  const auto root = [&](uint32_t node) {
    while (parent[node] != LinkForest::kNone) node = parent[node];
    return node;
  };
  for (int step = 0; step < 20'000; ++step) {
    const uint32_t a = random() % kNodes;
    const uint32_t b = random() % kNodes;
    if (parent[b] != LinkForest::kNone) {
      forest.cut(b);
      parent[b] = LinkForest::kNone;
    } else {
      const bool allowed = root(a) != b;
      REQUIRE(forest.link(a, b) == allowed);
      if (allowed) parent[b] = a;
    }
    const uint32_t c = random() % kNodes;
    REQUIRE(forest.root(c) == root(c));
    REQUIRE(forest.parent(c) == parent[c]);
  }
}
