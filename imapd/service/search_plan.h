// SearchPlan: a search program made ready: names resolved to bits, sets to numbers, texts folded; and what
// must be read from the store to decide it. Three-valued: a key is unknown until its source was read.
#pragma once

#include <string>
#include <vector>

#include "common/base/result.h"
#include "imapd/service/search.h"

namespace dromos::imapd {

enum class Truth : uint8_t { no, yes, unknown };
enum class SearchSource : uint8_t { none, text, facts, entry };

struct SearchNode {
  SearchKey::Kind kind = SearchKey::Kind::all;
  bool constant = false;  // kind all: the answer
  uint8_t flag = 0;       // system flag
  std::string keyword;    // else keyword, lower-case
  NumberSet numbers;      // sequence and uid: message numbers
  int64_t value = 0;      // sizes, seconds, modseq, days
  std::string name;       // folded header name
  std::string needle;     // folded text, or an id
  SearchSource source = SearchSource::none;
  size_t leaf = 0;  // index, if there is a source
  std::vector<SearchNode> children;
};

class SearchPlan {
 public:
  static Result<SearchPlan> make(const SearchScope& scope, const SearchProgram& program, int64_t now_seconds);
  const std::vector<const SearchNode*>& leaves() const { return leaves_; }
  bool needs(SearchSource source) const;
  /// `known[leaf]` of this message; empty: nothing was read.
  Truth decide(const KeywordSets& keywords, uint32_t number, const MessageItem& item,
               const std::vector<Truth>& known) const;

 private:
  Result<SearchNode> node_of(const SearchScope& scope, const SearchKey& key, int64_t now_seconds);
  void index(SearchNode& node);
  static Truth decide(const SearchNode& node, const KeywordSets& keywords, uint32_t number,
                      const MessageItem& item, const std::vector<Truth>& known);
  std::unique_ptr<SearchNode> root_;
  std::vector<const SearchNode*> leaves_;
};

}  // namespace dromos::imapd
