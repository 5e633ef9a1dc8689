// Threads of messages: THREAD=REFERENCES and THREAD=ORDEREDSUBJECT (RFC 5256 §3). Pure: keys in, a forest
// out.
//
// Hostile mail is bounded: what a message may refer to shrinks as the whole grows (kMaxThreadLinks), loops
// are found in logarithmic time, nothing recurses, and the response nests kMaxThreadNesting lists at most.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dromos::imapd {

/// References of all messages together that are looked at; of longer lists the nearest ancestors count.
inline constexpr size_t kMaxThreadLinks = 4'000'000;
/// Lists within lists in the response; below that, descendants are told as siblings.
inline constexpr size_t kMaxThreadNesting = 100;

/// A message, in mailbox order.
struct ThreadMessage {
  uint32_t number = 0;  // what the response shows
  int64_t sent = 0;
  uint64_t id = 0;  // of its Message-ID; 0: none
  bool reply = false;
  std::string_view subject;              // collation key of the base subject
  std::span<const uint64_t> references;  // oldest first
};

inline constexpr uint32_t kNoNode = UINT32_MAX;
/// Nodes below kept links; a node without message (message == kNoNode) stands only at the root.
struct ThreadForest {
  struct Node {
    uint32_t message = kNoNode;
    uint32_t first_child = kNoNode;
    uint32_t next_sibling = kNoNode;
  };
  std::vector<Node> nodes;
  std::vector<uint32_t> roots;
};

ThreadForest thread_by_references(std::span<const ThreadMessage> messages,
                                  size_t max_links = kMaxThreadLinks);
ThreadForest thread_by_subject(std::span<const ThreadMessage> messages);
/// "(1)(2 3 (4)(5))", without blank before it.
std::string format_threads(const ThreadForest& forest, std::span<const ThreadMessage> messages,
                           size_t max_nesting = kMaxThreadNesting);

}  // namespace dromos::imapd
