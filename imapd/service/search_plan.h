// SearchPlan: a search program made ready: names resolved to bits, sets to numbers, texts folded; and what
// must be read from the store to decide it. Three-valued: a key is unknown until its source was read.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/mime/collation.h"
#include "common/store/word_index.h"
#include "imapd/service/message_keys.h"
#include "imapd/service/search.h"
#include "imapd/service/text_chunk.h"

namespace dromos::imapd {

enum class Truth : uint8_t { no, yes, unknown };
/// keys: message keys, and the extract where those are not exact. words: the word index, and the extract
/// where that lags.
enum class SearchSource : uint8_t { none, text, keys, entry, words };

struct SearchNode {
  SearchKey::Kind kind = SearchKey::Kind::all;
  bool constant = false;  // kind all: the answer
  uint8_t flag = 0;       // system flag
  std::string keyword;    // else keyword, lower-case
  NumberSet numbers;      // sequence and uid: message numbers
  int64_t value = 0;      // sizes, seconds, modseq, days
  std::string name;       // folded header name
  mime::CasemapNeedle needle;
  TextNeedle tokens;           // of the needle, or of a field's start where there must be such a field
  std::string id;              // of a message or thread
  std::optional<KeyText> key;  // source keys: the field's text; else the sent date
  store::WordTerm words;       // source words
  SearchSource source = SearchSource::none;
  size_t leaf = 0;  // index, if there is a source
  std::vector<SearchNode> children;
};

class SearchPlan {
 public:
  static Result<SearchPlan> make(const SearchScope& scope, const SearchProgram& program, int64_t now_seconds);
  const std::vector<const SearchNode*>& leaves() const { return leaves_; }
  bool needs(SearchSource source) const;
  bool has_fuzzy() const;
  /// The message numbers that its sets leave open, of so many messages: what is not there is not looked at.
  NumberSet named(uint32_t messages) const;
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

/// Of the mailbox, the messages that the program's numbers and uids allow.
Result<NumberSet> messages_named(const SearchScope& scope, const SearchProgram& program);

}  // namespace dromos::imapd
