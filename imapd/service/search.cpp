#include "imapd/service/search.h"

#include <algorithm>
#include <exception>
#include <unordered_set>

#include "common/async/offload.h"
#include "common/async/task_group.h"
#include "common/mime/charset.h"
#include "common/mime/text.h"
#include "imapd/service/fuzzy_search.h"
#include "imapd/service/key_reader.h"
#include "imapd/service/message_loader.h"
#include "imapd/service/search_plan.h"
#include "imapd/service/text_reader.h"

namespace dromos::imapd {
namespace {

using Kind = SearchKey::Kind;

constexpr size_t kBatch = 16 * TextChunk::kUids;      // messages between two turns of other sessions
constexpr uint64_t kMaxRawSearch = 64 * 1024 * 1024;  // octets of one message searched past its extract

struct Candidate {
  uint32_t number = 0;
  uint32_t uid = 0;
  std::vector<Truth> known;
  bool cut = false;  // its extract is not whole
  float bonus = 0;   // of FUZZY keys: words in the subject or an address weigh more
};

/// Any field of that name, by the rules of mime::search_header.
bool matches_header(const SearchNode& leaf, std::string_view headers) {
  const std::string start = leaf.name + ": ";
  while (!headers.empty()) {
    const size_t end = std::min(headers.find('\n'), headers.size());
    const std::string_view line = headers.substr(0, end);
    headers.remove_prefix(std::min(end + 1, headers.size()));
    if (line.starts_with(start) && leaf.needle.in(line.substr(start.size()))) return true;
  }
  return false;
}

bool matches_text(const SearchNode& leaf, const mime::SearchText& text) {
  switch (leaf.kind) {
    case Kind::body:
      return leaf.needle.in(text.body);
    case Kind::text:
      return leaf.needle.in(text.headers) || leaf.needle.in(text.body);
    default:
      return matches_header(leaf, text.headers);
  }
}

Truth truth(bool value) {
  return value ? Truth::yes : Truth::no;
}

Candidate* find(std::vector<Candidate>& list, uint32_t uid) {
  const auto at = std::lower_bound(list.begin(), list.end(), uid,
                                   [](const Candidate& c, uint32_t u) { return c.uid < u; });
  return at != list.end() && at->uid == uid ? &*at : nullptr;
}

/// All text of the message, without the extract's bound.
bool matches_raw(const SearchNode& leaf, std::string_view raw) {
  const mime::Facts facts = mime::build_facts(raw);
  const std::string extract = mime::search_text(raw, facts);
  if (matches_text(leaf, mime::split_search_text(extract))) return true;
  if (leaf.kind != Kind::body && leaf.kind != Kind::text) return false;
  for (size_t i = 0; i < facts.tree.parts.size() && i < facts.info.size(); ++i) {
    if (facts.tree.parts[i].kind != mime::PartKind::leaf || !facts.info[i].is_text()) continue;
    if (leaf.needle.in(
            mime::fold_case(mime::part_text(raw, facts.tree.parts[i], facts.info[i], kMaxRawSearch))))
      return true;
  }
  return false;
}

class Searcher {
 public:
  Searcher(Worker& worker, const SearchScope& scope, const SearchPlan& plan, Deadline deadline)
      : worker_(worker),
        scope_(scope),
        plan_(plan),
        deadline_(deadline),
        words_(worker.pool),
        texts_(worker, {scope.mailbox, scope.version, scope.unwanted, scope.progress}, deadline) {}

  /// Cheap sources first; the extracts only of messages that those leave open.
  Task<Result<void>> learn(std::vector<Candidate>& list) {
    for (Candidate& candidate : list) candidate.known.assign(plan_.leaves().size(), Truth::unknown);
    if (plan_.needs(SearchSource::keys)) CO_TRY_VOID(co_await learn_keys(list));
    if (plan_.needs(SearchSource::entry)) CO_TRY_VOID(co_await learn_entry(list));
    if (plan_.needs(SearchSource::words)) CO_TRY_VOID(co_await learn_words(list));
    co_return co_await with_open(list, [this](auto& open) { return learn_open(open); });
  }
  Truth decide(const Candidate& candidate) const {
    return plan_.decide(scope_.mailbox->keywords(), candidate.number, scope_.version->at(candidate.number),
                        candidate.known);
  }
  /// How well a message found fits, on no particular scale.
  double weight(const Candidate& candidate) const {
    double sum = 0;
    for (const SearchNode* leaf : plan_.leaves())
      if (leaf->source == SearchSource::words && candidate.known[leaf->leaf] == Truth::yes) sum += 1;
    return sum + candidate.bonus;
  }

 private:
  Task<Result<void>> still_wanted() const {
    if (scope_.unwanted && scope_.unwanted()) co_return fail(Errc::closed, "nobody waits for the search");
    co_return Result<void>{};
  }

  /// Runs `learn_more` with those that are not decided yet.
  template <class Learn>
  Task<Result<void>> with_open(std::vector<Candidate>& list, Learn learn_more) {
    std::vector<Candidate> open;
    std::vector<size_t> where;
    for (size_t i = 0; i < list.size(); ++i) {
      if (decide(list[i]) != Truth::unknown) continue;
      where.push_back(i);
      open.push_back(std::move(list[i]));
    }
    if (open.empty()) co_return Result<void>{};
    CO_TRY_VOID(co_await learn_more(open));
    for (size_t i = 0; i < open.size(); ++i) list[where[i]] = std::move(open[i]);
    co_return Result<void>{};
  }

  Task<Result<void>> learn_open(std::vector<Candidate>& list) {
    CO_TRY_VOID(co_await learn_chunks(list));
    CO_TRY_VOID(co_await with_open(list, [this](auto& open) { return learn_text(open); }));
    // What has gone meanwhile matches nothing.
    for (Candidate& candidate : list)
      std::replace(candidate.known.begin(), candidate.known.end(), Truth::unknown, Truth::no);
    co_return Result<void>{};
  }

  /// From texts in memory; of header fields they tell only what cannot be.
  Task<Result<void>> learn_chunks(std::vector<Candidate>& list) {
    std::vector<uint32_t> uids;
    uids.reserve(list.size());
    for (const Candidate& candidate : list) uids.push_back(candidate.uid);
    auto use = [this, &list](const std::shared_ptr<const TextChunk>& chunk, size_t begin, size_t end) {
      for (const SearchNode* leaf : plan_.leaves())
        if (is_text(*leaf) && leaf->tokens.usable())
          take_chunk(*leaf, *chunk, std::span(list).subspan(begin, end - begin));
    };
    co_return co_await texts_.read(uids, use);
  }

  static void take_chunk(const SearchNode& leaf, const TextChunk& chunk, std::span<Candidate> candidates) {
    const bool field = !leaf.name.empty();
    const TextPart part = field                     ? TextPart::headers
                          : leaf.kind == Kind::body ? TextPart::body
                                                    : TextPart::all;
    const std::vector<bool> holding = chunk.holding(leaf.tokens, part);
    for (Candidate& candidate : candidates) {
      Truth& known = candidate.known[leaf.leaf];
      const auto row = chunk.find(candidate.uid);
      if (!row || known != Truth::unknown) continue;
      if (holding[*row] ? !field : chunk.whole(*row)) known = truth(holding[*row]);
    }
  }

  /// Extracts are unpacked and searched on the offload pool, a range while the next one is read.
  Task<Result<void>> learn_text(std::vector<Candidate>& list) {
    TaskGroup ahead;
    std::exception_ptr thrown;
    Result<void> result;
    std::vector<TextRange> ranges = text_ranges(list);
    try {
      result = co_await learn_ranges(list, ranges, ahead);
    } catch (...) {
      thrown = std::current_exception();
    }
    co_await ahead.close();  // a read under way writes into `ranges`
    if (thrown) std::rethrow_exception(thrown);
    if (!result) co_return result;
    for (Candidate& candidate : list) {
      if (!candidate.cut) continue;
      CO_TRY_VOID(co_await still_wanted());
      CO_TRY_VOID(co_await learn_from_raw(candidate));
    }
    co_return Result<void>{};
  }

  struct TextRange {
    store::UidSet::Range uids;
    Result<store::Messages::PackedTexts> texts = fail(Errc::internal, "not read");
    std::unique_ptr<Event> done = std::make_unique<Event>();
  };

  /// Ranges over the candidates; small gaps are cheaper than further statements.
  static std::vector<TextRange> text_ranges(const std::vector<Candidate>& list) {
    constexpr uint32_t kGap = 16;
    std::vector<TextRange> ranges;
    for (const Candidate& candidate : list) {
      if (!ranges.empty() && candidate.uid - ranges.back().uids.last <= kGap &&
          candidate.uid - ranges.back().uids.first < store::Messages::kTextRange) {
        ranges.back().uids.last = candidate.uid;
      } else {
        ranges.emplace_back();
        ranges.back().uids = {candidate.uid, candidate.uid};
      }
    }
    return ranges;
  }

  Task<void> read_range(TextRange& range) {
    try {
      range.texts = co_await worker_.messages.packed_texts(scope_.mailbox->account(), scope_.mailbox->id(),
                                                           range.uids, deadline_);
    } catch (const std::exception& e) {
      range.texts = fail(Errc::internal, e.what());
    }
    range.done->set();
  }

  Task<Result<void>> learn_ranges(std::vector<Candidate>& list, std::vector<TextRange>& ranges,
                                  TaskGroup& ahead) {
    std::vector<uint32_t> large;
    for (size_t i = 0; i < ranges.size(); ++i) {
      CO_TRY_VOID(co_await still_wanted());
      if (scope_.progress) {
        const auto next = std::partition_point(list.begin(), list.end(), [&](const Candidate& candidate) {
          return candidate.uid < ranges[i].uids.first;
        });
        scope_.progress(static_cast<size_t>(next - list.begin()), list.size());
      }
      if (i == 0) ahead.spawn(read_range(ranges[0]));
      if (i + 1 < ranges.size()) ahead.spawn(read_range(ranges[i + 1]));
      co_await ranges[i].done->wait();
      if (!ranges[i].texts) co_return fail(ranges[i].texts.error());
      CO_TRY_VOID(co_await match(list, std::move(*ranges[i].texts), large));
      ranges[i].texts = fail(Errc::internal, "used");  // gives its memory back
    }
    for (const uint32_t uid : large) {
      CO_TRY_VOID(co_await still_wanted());
      CO_TRY(auto texts, co_await worker_.messages.packed_texts(scope_.mailbox->account(),
                                                                scope_.mailbox->id(), {uid, uid}, deadline_));
      std::vector<uint32_t> none;
      CO_TRY_VOID(co_await match(list, std::move(texts), none));
    }
    co_return Result<void>{};
  }

  /// Can be decided by the extract.
  static bool is_text(const SearchNode& leaf) {
    return leaf.source == SearchSource::text || (leaf.source == SearchSource::keys && leaf.key);
  }

  struct Match {
    size_t candidate = 0;
    bool cut = false;
    std::vector<bool> leaves;  // by index in the plan
  };

  Task<Result<void>> match(std::vector<Candidate>& list, store::Messages::PackedTexts texts,
                           std::vector<uint32_t>& large) {
    std::vector<std::pair<size_t, size_t>> wanted;  // row, candidate
    for (size_t row = 0; row < texts.size(); ++row) {
      const Candidate* candidate = find(list, texts.uid(row));
      if (candidate == nullptr) continue;
      if (texts.left_out(row))
        large.push_back(candidate->uid);
      else
        wanted.emplace_back(row, static_cast<size_t>(candidate - list.data()));
    }
    if (wanted.empty()) co_return Result<void>{};
    const auto matches =
        co_await offload([&texts, &wanted, plan = &plan_] { return match_rows(*plan, texts, wanted); });
    for (const Match& match : matches) {
      Candidate& candidate = list[match.candidate];
      candidate.cut = match.cut;
      for (const SearchNode* leaf : plan_.leaves())
        if (is_text(*leaf) && candidate.known[leaf->leaf] == Truth::unknown)
          candidate.known[leaf->leaf] = truth(match.leaves[leaf->leaf]);
    }
    co_return Result<void>{};
  }

  /// On a thread of the pool.
  static std::vector<Match> match_rows(const SearchPlan& plan, const store::Messages::PackedTexts& texts,
                                       const std::vector<std::pair<size_t, size_t>>& wanted) {
    std::vector<Match> matches;
    for (const auto& [row, candidate] : wanted) {
      const auto text = texts.text(row);
      // A damaged extract must not hide the message: its raw bytes are to be searched.
      Match match{candidate, texts.truncated(row) || !text, std::vector<bool>(plan.leaves().size())};
      const mime::SearchText parts = mime::split_search_text(text ? *text : std::string_view());
      for (const SearchNode* leaf : plan.leaves())
        if (is_text(*leaf)) match.leaves[leaf->leaf] = matches_text(*leaf, parts);
      matches.push_back(std::move(match));
    }
    return matches;
  }

  Task<Result<void>> learn_from_raw(Candidate& candidate) {
    MessageLoader loader(worker_, scope_.mailbox->account(), scope_.mailbox->id());
    LoadNeeds needs;
    needs.entry = true;
    std::vector<uint32_t> one{candidate.uid};
    CO_TRY(const auto loaded, co_await loader.load(std::move(one), needs, deadline_));
    if (!loaded.front().found) co_return Result<void>{};
    CO_TRY(const auto raw, co_await loader.read(loaded.front(), 0, kMaxRawSearch, deadline_));
    for (const SearchNode* leaf : plan_.leaves()) {
      if (!is_text(*leaf) || candidate.known[leaf->leaf] == Truth::yes) continue;
      const bool found = co_await offload([leaf, &raw] { return matches_raw(*leaf, raw); });
      candidate.known[leaf->leaf] = truth(found);
    }
    co_return Result<void>{};
  }

  Task<Result<void>> learn_keys(std::vector<Candidate>& list) {
    std::vector<uint32_t> numbers;
    numbers.reserve(list.size());
    for (const Candidate& candidate : list) numbers.push_back(candidate.number);
    auto use = [&](const KeyChunk& chunk, std::span<const uint32_t> some) {
      const auto first = static_cast<size_t>(some.data() - numbers.data());
      for (size_t i = 0; i < some.size(); ++i)
        if (const auto row = chunk.find(list[first + i].uid)) match_keys(list[first + i], *row);
    };
    KeyRead read{scope_.mailbox, scope_.version, scope_.unwanted};
    co_return co_await read_keys(worker_, std::move(read), numbers, use, deadline_);
  }

  void match_keys(Candidate& candidate, const KeyChunk::Row& row) {
    std::string scratch;
    for (const SearchNode* leaf : plan_.leaves()) {
      if (leaf->source != SearchSource::keys) continue;
      Truth& known = candidate.known[leaf->leaf];
      if (!leaf->key) {
        // Without a Date field the time of receipt stands in.
        const auto sent = row.sent();
        known = compare_day(*leaf, sent ? day_of(*sent + int64_t{row.zone_minutes()} * 60)
                                        : day_of(scope_.version->at(candidate.number).received));
      } else if (row.exact()) {
        known = truth(leaf->needle.in(row.text(*leaf->key, scratch)));
      }
    }
  }

  Task<Result<void>> learn_entry(std::vector<Candidate>& list) {
    auto on_entry = [this, &list](const store::Entry& entry) {
      Candidate* candidate = find(list, entry.uid);
      if (candidate == nullptr) return;
      for (const SearchNode* leaf : plan_.leaves()) {
        if (leaf->source != SearchSource::entry) continue;
        Truth& known = candidate->known[leaf->leaf];
        if (leaf->kind == Kind::email_id)
          known = truth(to_text(entry.id) == leaf->id);
        else if (leaf->kind == Kind::thread_id)
          known = truth(to_text(entry.thread) == leaf->id);
        else
          known = compare_day(*leaf, day_of(entry.saved_us / 1'000'000));
      }
    };
    co_return co_await worker_.entries.load(scope_.mailbox->account(), scope_.mailbox->id(), list.front().uid,
                                            list.back().uid, on_entry, deadline_);
  }

  using Ids = std::unordered_set<MessageId>;
  /// What the word index says of one key, asked once a search.
  struct WordAnswer {
    Ids found;
    Ids in_subject;
    Ids in_address;
  };

  Task<Result<Ids>> ask(store::WordTerm term) {
    std::vector<store::WordTerm> terms{std::move(term)};
    CO_TRY(const auto found, co_await words_.search(scope_.mailbox->account(), std::move(terms), deadline_));
    co_return Ids(found.begin(), found.end());
  }

  Task<Result<void>> ask_words() {
    // The tail first: what is indexed in between is then looked at twice rather than not at all.
    CO_TRY(auto tail,
           co_await words_.tail(scope_.mailbox->account(), {}, store::WordIndex::kMaxTail, deadline_));
    tail_.insert(tail.messages.begin(), tail.messages.end());
    tail_whole_ = tail.whole;
    std::vector<store::WordTerm> terms;
    std::vector<WordAnswer> answers(plan_.leaves().size());
    for (const SearchNode* leaf : plan_.leaves()) {
      if (leaf->source != SearchSource::words) continue;
      terms.push_back(leaf->words);
      WordAnswer& answer = answers[leaf->leaf];
      CO_TRY(answer.found, co_await ask(leaf->words));
      if (answer.found.empty()) continue;
      index_tells_ = true;
      if (leaf->words.field != store::WordField::any) continue;
      store::WordTerm term = leaf->words;
      term.field = store::WordField::subject;
      CO_TRY(answer.in_subject, co_await ask(term));
      term.field = store::WordField::address;
      CO_TRY(answer.in_address, co_await ask(term));
    }
    answers_ = std::move(answers);
    fuzzy_.emplace(worker_, texts_, std::move(terms), deadline_);
    co_return Result<void>{};
  }

  /// From the index; what that does not tell of is looked for in the texts, by the index's rules.
  Task<Result<void>> learn_words(std::vector<Candidate>& list) {
    if (!answers_) CO_TRY_VOID(co_await ask_words());
    std::vector<size_t> behind;  // candidates
    if (!index_tells_ && (!tail_whole_ || tail_.empty())) {
      for (size_t i = 0; i < list.size(); ++i) {
        if (tail_whole_) set_words(list[i], Truth::no);
        if (!tail_whole_) behind.push_back(i);
      }
    } else {
      auto on_entry = [&](const store::Entry& entry) {
        Candidate* candidate = find(list, entry.uid);
        if (candidate == nullptr) return;
        if (!take_words(*candidate, entry.id)) behind.push_back(static_cast<size_t>(candidate - list.data()));
      };
      CO_TRY_VOID(co_await worker_.entries.load(scope_.mailbox->account(), scope_.mailbox->id(),
                                                list.front().uid, list.back().uid, on_entry, deadline_));
      std::sort(behind.begin(), behind.end());
    }
    if (behind.empty()) co_return Result<void>{};
    co_return co_await match_behind(list, behind);
  }

  void set_words(Candidate& candidate, Truth value) const {
    for (const SearchNode* leaf : plan_.leaves())
      if (leaf->source == SearchSource::words) candidate.known[leaf->leaf] = value;
  }

  /// False: the index does not tell of this message.
  bool take_words(Candidate& candidate, const MessageId& id) const {
    bool told = true;
    for (const SearchNode* leaf : plan_.leaves()) {
      if (leaf->source != SearchSource::words) continue;
      const WordAnswer& answer = (*answers_)[leaf->leaf];
      if (answer.found.contains(id))
        candidate.known[leaf->leaf] = Truth::yes;
      else if (tail_whole_ && !tail_.contains(id))
        candidate.known[leaf->leaf] = Truth::no;
      else
        told = false;
      add_bonus(candidate, answer.in_subject.contains(id), answer.in_address.contains(id));
    }
    return told;
  }

  static void add_bonus(Candidate& candidate, bool in_subject, bool in_address) {
    if (in_subject) candidate.bonus += 3;
    if (in_address) candidate.bonus += 2;
  }

  Task<Result<void>> match_behind(std::vector<Candidate>& list, const std::vector<size_t>& behind) {
    std::vector<uint32_t> uids;
    uids.reserve(behind.size());
    for (const size_t at : behind) {
      uids.push_back(list[at].uid);
      for (const SearchNode* leaf : plan_.leaves()) {
        Truth& known = list[at].known[leaf->leaf];
        if (leaf->source == SearchSource::words && known == Truth::unknown) known = Truth::no;
      }
    }
    auto tell = [this, &list, &behind](size_t place, const std::vector<FuzzyAnswer>& answers) {
      Candidate& candidate = list[behind[place]];
      size_t key = 0;
      for (const SearchNode* leaf : plan_.leaves()) {
        if (leaf->source != SearchSource::words) continue;
        const FuzzyAnswer& answer = answers[key++];
        if (!answer.found || candidate.known[leaf->leaf] == Truth::yes) continue;
        candidate.known[leaf->leaf] = Truth::yes;
        add_bonus(candidate, answer.in_subject, answer.in_address);
      }
    };
    co_return co_await fuzzy_->run(std::move(uids), tell);
  }

  static int64_t day_of(int64_t seconds) {
    return seconds >= 0 ? seconds / 86400 : -((-seconds + 86399) / 86400);
  }
  static Truth compare_day(const SearchNode& leaf, int64_t day) {
    switch (leaf.kind) {
      case Kind::sent_before:
      case Kind::saved_before:
        return truth(day < leaf.value);
      case Kind::sent_on:
      case Kind::saved_on:
        return truth(day == leaf.value);
      default:
        return truth(day >= leaf.value);
    }
  }

  Worker& worker_;
  const SearchScope& scope_;
  const SearchPlan& plan_;
  const Deadline deadline_;
  store::WordIndex words_;
  TextReader texts_;
  std::optional<std::vector<WordAnswer>> answers_;  // by leaf
  Ids tail_;
  bool tail_whole_ = true;
  bool index_tells_ = false;  // it found something
  std::optional<FuzzySearch> fuzzy_;
};

struct Weighed {
  uint32_t number = 0;
  double weight = 0;
};

/// The whole range of 1 to 100 (RFC 6203 §4); of equally good ones the later.
std::vector<uint8_t> scores_of(const std::vector<Weighed>& found, uint32_t messages) {
  std::vector<double> weights;
  for (const Weighed& one : found)
    weights.push_back(one.weight + static_cast<double>(one.number) / (messages + 1.0));
  if (weights.empty()) return {};
  const auto [low, high] = std::minmax_element(weights.begin(), weights.end());
  std::vector<uint8_t> scores;
  for (const double weight : weights)
    scores.push_back(*high > *low ? static_cast<uint8_t>(1 + 99 * (weight - *low) / (*high - *low)) : 100);
  return scores;
}

}  // namespace

Task<Result<SearchHits>> search_with_scores(Worker& worker, SearchScope scope, const SearchProgram& program,
                                            Deadline deadline) {
  CO_TRY(const SearchPlan plan, SearchPlan::make(scope, program, Clock::now_us() / 1'000'000));
  const KeywordSets& keywords = scope.mailbox->keywords();
  const std::vector<Truth> nothing;
  std::vector<Weighed> found;
  std::vector<uint32_t> open;
  const auto look = [&](uint32_t number, const MessageItem& item) {
    const Truth answer = plan.decide(keywords, number, item, nothing);
    if (answer == Truth::yes) found.push_back({number});
    if (answer == Truth::unknown) open.push_back(number);
  };
  if (scope.only)
    scope.only->for_each([&](uint32_t number) { look(number, scope.version->at(number)); });
  else
    scope.version->for_each(look);

  Searcher searcher(worker, scope, plan, deadline);
  for (size_t start = 0; start < open.size(); start += kBatch) {
    std::vector<Candidate> batch;
    for (size_t i = start; i < std::min(start + kBatch, open.size()); ++i) {
      Candidate candidate;
      candidate.number = open[i];
      candidate.uid = scope.version->at(open[i]).uid;
      batch.push_back(std::move(candidate));
    }
    CO_TRY_VOID(co_await searcher.learn(batch));
    for (const Candidate& candidate : batch)
      if (searcher.decide(candidate) == Truth::yes)
        found.push_back({candidate.number, searcher.weight(candidate)});
    co_await Reactor::current().yield();
  }
  std::sort(found.begin(), found.end(),
            [](const Weighed& a, const Weighed& b) { return a.number < b.number; });
  SearchHits hits;
  hits.numbers.reserve(found.size());
  for (const Weighed& one : found) hits.numbers.push_back(one.number);
  if (plan.has_fuzzy()) hits.scores = scores_of(found, scope.version->size());
  co_return hits;
}

Task<Result<std::vector<uint32_t>>> run_search(Worker& worker, SearchScope scope,
                                               const SearchProgram& program, Deadline deadline) {
  CO_TRY(SearchHits hits, co_await search_with_scores(worker, std::move(scope), program, deadline));
  co_return std::move(hits.numbers);
}

}  // namespace dromos::imapd
