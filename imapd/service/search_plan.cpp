#include "imapd/service/search_plan.h"

#include "common/base/strings.h"
#include "common/mime/charset.h"
#include "common/store/word_text.h"

namespace dromos::imapd {
namespace {

using Kind = SearchKey::Kind;
constexpr int64_t kDay = 86400;

int64_t day_of(int64_t seconds) {
  return seconds >= 0 ? seconds / kDay : -((-seconds + kDay - 1) / kDay);
}

NumberSet numbers_in(const SearchScope& scope, const SearchKey& key) {
  const MailboxVersion& version = *scope.version;
  if (key.set.saved_result) return version.numbers_of(scope.saved);
  if (key.kind == Kind::uid) return version.numbers_of(key.set.resolve(version.max_uid()));
  if (version.size() == 0) return {};
  return key.set.resolve(version.size()).intersect(NumberSet{{1, version.size()}});
}

std::string_view header_name(const SearchKey& key) {
  switch (key.kind) {
    case Kind::from:
      return "from";
    case Kind::to:
      return "to";
    case Kind::cc:
      return "cc";
    case Kind::bcc:
      return "bcc";
    case Kind::subject:
      return "subject";
    default:
      return key.name;
  }
}

/// Fields whose text is among the message keys.
std::optional<KeyText> key_of(std::string_view folded_name) {
  if (folded_name == "subject") return KeyText::search_subject;
  if (folded_name == "from") return KeyText::search_from;
  if (folded_name == "to") return KeyText::search_to;
  if (folded_name == "cc") return KeyText::search_cc;
  return std::nullopt;
}

store::WordField field_of(const SearchKey& key) {
  switch (key.kind) {
    case Kind::subject:
      return store::WordField::subject;
    case Kind::from:
    case Kind::to:
    case Kind::cc:
    case Kind::bcc:
      return store::WordField::address;
    default:
      return store::WordField::any;
  }
}

/// A text key: where it is looked for. FUZZY without words in it is a plain search.
void set_text_source(SearchNode& node, const SearchKey& key) {
  constexpr size_t kLongestQuery = 4096;
  node.needle = mime::CasemapNeedle(mime::fold_case(key.text));
  const std::string& folded = node.needle.folded();
  if (folded.empty() && node.name.empty()) {  // in every body and text
    node.kind = Kind::all;
    node.constant = true;
    return;
  }
  node.source = SearchSource::text;
  node.tokens = TextNeedle(folded.empty() ? mime::CasemapNeedle(node.name + ": ").decomposed()
                                          : node.needle.decomposed());
  if (key.fuzzy && key.kind != Kind::header) {
    const store::WordText words = store::word_text(folded, kLongestQuery, store::WordUse::query);
    if (!words.words.empty() || !words.bigrams.empty()) {
      node.source = SearchSource::words;
      node.words = {folded, field_of(key), true};
      return;
    }
  }
  // An empty text asks if the field is there: keys do not tell.
  if (!node.name.empty() && !folded.empty()) node.key = key_of(node.name);
  if (node.key) node.source = SearchSource::keys;
}

Truth truth(bool value) {
  return value ? Truth::yes : Truth::no;
}

}  // namespace

Result<SearchPlan> SearchPlan::make(const SearchScope& scope, const SearchProgram& program,
                                    int64_t now_seconds) {
  SearchPlan plan;
  TRY(SearchNode root, plan.node_of(scope, program.root, now_seconds));
  plan.root_ = std::make_unique<SearchNode>(std::move(root));
  plan.index(*plan.root_);
  return plan;
}

namespace {

/// \Recent belongs to the session: as message numbers.
SearchNode recent_node(const SearchScope& scope, bool wanted) {
  SearchNode recent;
  recent.kind = Kind::sequence;
  recent.numbers = scope.version->numbers_of(scope.recent);
  if (wanted) return recent;
  SearchNode old;
  old.kind = Kind::negation;
  old.children.push_back(std::move(recent));
  return old;
}

SearchNode unseen_node() {
  SearchNode node;
  node.kind = Kind::no_flag;
  node.flag = kFlagSeen;
  return node;
}

SearchNode both(SearchNode one, SearchNode other) {
  SearchNode node;
  node.kind = Kind::conjunction;
  node.children.push_back(std::move(one));
  node.children.push_back(std::move(other));
  return node;
}

}  // namespace

void SearchPlan::index(SearchNode& node) {
  if (node.source != SearchSource::none) {
    node.leaf = leaves_.size();
    leaves_.push_back(&node);
  }
  for (SearchNode& child : node.children) index(child);
}

bool SearchPlan::needs(SearchSource source) const {
  for (const SearchNode* leaf : leaves_)
    if (leaf->source == source) return true;
  return false;
}

bool SearchPlan::has_fuzzy() const {
  return needs(SearchSource::words);
}

Result<SearchNode> SearchPlan::node_of(const SearchScope& scope, const SearchKey& key, int64_t now_seconds) {
  SearchNode node;
  node.kind = key.kind;
  switch (key.kind) {
    case Kind::all:
    case Kind::save_date_supported:
      node.kind = Kind::all;
      node.constant = true;
      break;
    case Kind::old_mail:
      node = recent_node(scope, false);
      break;
    case Kind::new_mail:
      node = both(recent_node(scope, true), unseen_node());
      break;
    case Kind::conjunction:
    case Kind::either:
    case Kind::negation:
      for (const SearchKey& child : key.children) {
        TRY(SearchNode made, node_of(scope, child, now_seconds));
        node.children.push_back(std::move(made));
      }
      break;
    case Kind::sequence:
    case Kind::uid:
      node.numbers = numbers_in(scope, key);
      break;
    case Kind::uid_after:
      node.kind = Kind::uid;
      if (key.number < UINT32_MAX)
        node.numbers =
            scope.version->numbers_of(NumberSet{{static_cast<uint32_t>(key.number) + 1, UINT32_MAX}});
      break;
    case Kind::uid_before:
      node.kind = Kind::uid;
      if (key.number > 1)
        node.numbers = scope.version->numbers_of(
            NumberSet{{1, static_cast<uint32_t>(std::min<uint64_t>(key.number - 1, UINT32_MAX))}});
      break;
    case Kind::flag:
    case Kind::no_flag:
      node.flag = system_flag(key.text);
      if (node.flag == kFlagRecent) {
        node = recent_node(scope, key.kind == Kind::flag);
        break;
      }
      if (node.flag == 0) node.keyword = to_lower(key.text);
      break;
    case Kind::header:
    case Kind::from:
    case Kind::to:
    case Kind::cc:
    case Kind::bcc:
    case Kind::subject:
      node.name = mime::fold_case(header_name(key));
      [[fallthrough]];
    case Kind::body:
    case Kind::text:
      set_text_source(node, key);
      break;
    case Kind::before:
    case Kind::on:
    case Kind::since:
      node.value = key.date.days();
      break;
    case Kind::sent_before:
    case Kind::sent_on:
    case Kind::sent_since:
      node.value = key.date.days();
      node.source = SearchSource::keys;
      break;
    case Kind::saved_before:
    case Kind::saved_on:
    case Kind::saved_since:
      node.value = key.date.days();
      node.source = SearchSource::entry;
      break;
    case Kind::older:
    case Kind::younger:
      node.value = now_seconds - static_cast<int64_t>(std::min<uint64_t>(key.number, UINT32_MAX));
      break;
    case Kind::larger:
    case Kind::smaller:
    case Kind::modseq:
      node.value = static_cast<int64_t>(std::min<uint64_t>(key.number, INT64_MAX));
      break;
    case Kind::email_id:
    case Kind::thread_id:
      node.id = key.text;
      node.source = SearchSource::entry;
      break;
    case Kind::filter:
      return fail(Errc::invalid_argument, "FILTER is not offered");
  }
  return node;
}

namespace {

NumberSet unite(const NumberSet& one, const NumberSet& other) {
  std::vector<NumberRange> ranges = one.ranges();
  ranges.insert(ranges.end(), other.ranges().begin(), other.ranges().end());
  return NumberSet(std::move(ranges));
}

/// By sets alone: what a key may match, or (`surely`) what it matches whatever else the message is. Depth is
/// bounded by kMaxSearchDepth.
NumberSet by_sets(const SearchNode& node, const NumberSet& all, bool surely) {
  if (node.source != SearchSource::none) return surely ? NumberSet() : all;
  switch (node.kind) {
    case Kind::all:
      return node.constant ? all : NumberSet();
    case Kind::sequence:
    case Kind::uid:
      return node.numbers;
    case Kind::conjunction: {
      NumberSet left = all;
      for (const SearchNode& child : node.children) left = left.intersect(by_sets(child, all, surely));
      return left;
    }
    case Kind::either: {
      NumberSet any;
      for (const SearchNode& child : node.children) any = unite(any, by_sets(child, all, surely));
      return any;
    }
    case Kind::negation:
      return all.subtract(by_sets(node.children.front(), all, !surely));
    default:
      return surely ? NumberSet() : all;
  }
}

}  // namespace

NumberSet SearchPlan::named(uint32_t messages) const {
  if (messages == 0) return {};
  return by_sets(*root_, NumberSet{{1, messages}}, false);
}

Result<NumberSet> messages_named(const SearchScope& scope, const SearchProgram& program) {
  TRY(const SearchPlan plan, SearchPlan::make(scope, program, 0));
  return plan.named(scope.version->size());
}

Truth SearchPlan::decide(const KeywordSets& keywords, uint32_t number, const MessageItem& item,
                         const std::vector<Truth>& known) const {
  return decide(*root_, keywords, number, item, known);
}

// Depth is bounded by kMaxSearchDepth.
Truth SearchPlan::decide(const SearchNode& node, const KeywordSets& keywords, uint32_t number,
                         const MessageItem& item, const std::vector<Truth>& known) {
  if (node.source != SearchSource::none) return known.empty() ? Truth::unknown : known[node.leaf];
  switch (node.kind) {
    case Kind::conjunction: {
      Truth all = Truth::yes;
      for (const SearchNode& child : node.children) {
        const Truth one = decide(child, keywords, number, item, known);
        if (one == Truth::no) return Truth::no;
        if (one == Truth::unknown) all = Truth::unknown;
      }
      return all;
    }
    case Kind::either: {
      Truth any = Truth::no;
      for (const SearchNode& child : node.children) {
        const Truth one = decide(child, keywords, number, item, known);
        if (one == Truth::yes) return Truth::yes;
        if (one == Truth::unknown) any = Truth::unknown;
      }
      return any;
    }
    case Kind::negation: {
      const Truth one = decide(node.children.front(), keywords, number, item, known);
      return one == Truth::unknown ? one : truth(one == Truth::no);
    }
    case Kind::sequence:
    case Kind::uid:
      return truth(node.numbers.contains(number));
    case Kind::flag:
    case Kind::no_flag: {
      const bool set =
          node.flag != 0 ? (item.flags & node.flag) != 0 : keywords.contains(item.keyword_set, node.keyword);
      return truth(set == (node.kind == Kind::flag));
    }
    case Kind::before:
      return truth(day_of(item.received) < node.value);
    case Kind::on:
      return truth(day_of(item.received) == node.value);
    case Kind::since:
      return truth(day_of(item.received) >= node.value);
    case Kind::older:
      return truth(item.received <= node.value);
    case Kind::younger:
      return truth(item.received >= node.value);
    case Kind::larger:
      return truth(item.size > node.value);
    case Kind::smaller:
      return truth(item.size < node.value);
    case Kind::modseq:
      return truth(item.modseq >= node.value);
    default:
      return truth(node.constant);
  }
}

}  // namespace dromos::imapd
