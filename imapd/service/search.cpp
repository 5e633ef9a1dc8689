#include "imapd/service/search.h"

#include <algorithm>
#include <cstring>
#include <exception>

#include "common/async/offload.h"
#include "common/async/task_group.h"
#include "common/mime/charset.h"
#include "common/mime/text.h"
#include "imapd/service/message_loader.h"
#include "imapd/service/search_plan.h"

namespace dromos::imapd {
namespace {

using Kind = SearchKey::Kind;

constexpr size_t kBatch = 4096;                       // messages between two turns of other sessions
constexpr uint64_t kMaxRawSearch = 64 * 1024 * 1024;  // octets of one message searched past its extract

struct Candidate {
  uint32_t number = 0;
  uint32_t uid = 0;
  std::vector<Truth> known;
  bool cut = false;  // its extract is not whole
};

bool holds(std::string_view text, std::string_view needle) {
  return memmem(text.data(), text.size(), needle.data(), needle.size()) != nullptr;
}

bool matches_text(const SearchNode& leaf, const mime::SearchText& text) {
  switch (leaf.kind) {
    case Kind::body:
      return holds(text.body, leaf.needle);
    case Kind::text:
      return holds(text.headers, leaf.needle) || holds(text.body, leaf.needle);
    default:
      return mime::search_header(text.headers, leaf.name, leaf.needle);
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
    if (holds(mime::fold_case(mime::part_text(raw, facts.tree.parts[i], facts.info[i], kMaxRawSearch)),
              leaf.needle))
      return true;
  }
  return false;
}

class Searcher {
 public:
  Searcher(Worker& worker, const SearchScope& scope, const SearchPlan& plan, Deadline deadline)
      : worker_(worker), scope_(scope), plan_(plan), deadline_(deadline) {}

  Task<Result<void>> learn(std::vector<Candidate>& list) {
    for (Candidate& candidate : list) candidate.known.assign(plan_.leaves().size(), Truth::no);
    if (plan_.needs(SearchSource::text)) CO_TRY_VOID(co_await learn_text(list));
    if (plan_.needs(SearchSource::facts)) CO_TRY_VOID(co_await learn_sent(list));
    if (plan_.needs(SearchSource::entry)) CO_TRY_VOID(co_await learn_entry(list));
    co_return Result<void>{};
  }

 private:
  Task<Result<void>> still_wanted() const {
    if (scope_.unwanted && scope_.unwanted()) co_return fail(Errc::closed, "nobody waits for the search");
    co_return Result<void>{};
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
        if (leaf->source == SearchSource::text) candidate.known[leaf->leaf] = truth(match.leaves[leaf->leaf]);
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
        if (leaf->source == SearchSource::text) match.leaves[leaf->leaf] = matches_text(*leaf, parts);
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
      if (leaf->source != SearchSource::text || candidate.known[leaf->leaf] == Truth::yes) continue;
      const bool found = co_await offload([leaf, &raw] { return matches_raw(*leaf, raw); });
      candidate.known[leaf->leaf] = truth(found);
    }
    co_return Result<void>{};
  }

  Task<Result<void>> learn_sent(std::vector<Candidate>& list) {
    constexpr size_t kFacts = 512;
    MessageLoader loader(worker_, scope_.mailbox->account(), scope_.mailbox->id());
    LoadNeeds needs;
    needs.facts = true;
    for (size_t start = 0; start < list.size(); start += kFacts) {
      std::vector<uint32_t> some;
      for (size_t i = start; i < std::min(start + kFacts, list.size()); ++i) some.push_back(list[i].uid);
      CO_TRY(const auto loaded, co_await loader.load(std::move(some), needs, deadline_));
      for (size_t i = 0; i < loaded.size(); ++i) {
        if (!loaded[i].found) continue;
        const MessageItem& item = scope_.version->at(list[start + i].number);
        CO_TRY(const auto facts, co_await loader.facts(loaded[i], item.size, deadline_));
        // Without a Date field the time of receipt stands in.
        const int64_t day = facts.sent ? day_in_zone(*facts.sent) : day_of(item.received);
        for (const SearchNode* leaf : plan_.leaves())
          if (leaf->source == SearchSource::facts)
            list[start + i].known[leaf->leaf] = compare_day(*leaf, day);
      }
    }
    co_return Result<void>{};
  }

  Task<Result<void>> learn_entry(std::vector<Candidate>& list) {
    auto on_entry = [this, &list](const store::Entry& entry) {
      Candidate* candidate = find(list, entry.uid);
      if (candidate == nullptr) return;
      for (const SearchNode* leaf : plan_.leaves()) {
        if (leaf->source != SearchSource::entry) continue;
        Truth& known = candidate->known[leaf->leaf];
        if (leaf->kind == Kind::email_id)
          known = truth(to_text(entry.id) == leaf->needle);
        else if (leaf->kind == Kind::thread_id)
          known = truth(to_text(entry.thread) == leaf->needle);
        else
          known = compare_day(*leaf, day_of(entry.saved_us / 1'000'000));
      }
    };
    co_return co_await worker_.entries.load(scope_.mailbox->account(), scope_.mailbox->id(), list.front().uid,
                                            list.back().uid, on_entry, deadline_);
  }

  static int64_t day_of(int64_t seconds) {
    return seconds >= 0 ? seconds / 86400 : -((-seconds + 86399) / 86400);
  }
  static int64_t day_in_zone(const mime::Date& date) {
    return day_of(date.epoch + int64_t{date.offset_minutes} * 60);
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
};

}  // namespace

Task<Result<std::vector<uint32_t>>> run_search(Worker& worker, SearchScope scope,
                                               const SearchProgram& program, Deadline deadline) {
  CO_TRY(const SearchPlan plan, SearchPlan::make(scope, program, Clock::now_us() / 1'000'000));
  const KeywordSets& keywords = scope.mailbox->keywords();
  const std::vector<Truth> nothing;
  std::vector<uint32_t> found;
  std::vector<uint32_t> open;
  scope.version->for_each([&](uint32_t number, const MessageItem& item) {
    const Truth answer = plan.decide(keywords, number, item, nothing);
    if (answer == Truth::yes) found.push_back(number);
    if (answer == Truth::unknown) open.push_back(number);
  });
  if (open.empty()) co_return found;

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
    for (const Candidate& candidate : batch) {
      const MessageItem& item = scope.version->at(candidate.number);
      if (plan.decide(keywords, candidate.number, item, candidate.known) == Truth::yes)
        found.push_back(candidate.number);
    }
    co_await Reactor::current().yield();
  }
  std::sort(found.begin(), found.end());
  co_return found;
}

}  // namespace dromos::imapd
