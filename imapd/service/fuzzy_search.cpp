#include "imapd/service/fuzzy_search.h"

#include <algorithm>
#include <mutex>

#include "common/async/offload.h"
#include "common/mime/collation.h"
#include "imapd/index/document.h"
#include "imapd/index/language.h"
#include "imapd/service/chunk_language.h"

namespace dromos::imapd {
namespace {

constexpr uint32_t kGap = 16;          // uids that are read rather than asked around
constexpr size_t kWordsAtOnce = 2000;  // in one statement

std::vector<std::string> languages() {
  std::vector<std::string> names;
  for (const std::string_view name : index_languages()) names.emplace_back(name);
  return names;
}

/// Subject and addresses, of header lines as they are stored.
store::WordDocument headers_of(std::string_view headers) {
  return document_of({}, std::string(headers) + '\0');
}

}  // namespace

/// A message in whose text something may be what is looked for.
struct FuzzySearch::Row {
  size_t place = 0;
  FuzzyHits hits;
  size_t row = 0;      // in the chunk
  std::string sample;  // without a chunk: what tells its language
};

/// Of one chunk, or of one range of extracts.
struct FuzzySearch::Found {
  std::shared_ptr<const TextChunk> chunk;
  FuzzyWords words;
  std::vector<Row> rows;
};

namespace {

/// A chunk's tokens that may count, each taken apart once.
class Tokens {
 public:
  Tokens(const FuzzyTerms& terms, const TextChunk& chunk, FuzzyWords& words) : marks_(chunk.tokens()) {
    items_.emplace_back();
    for (size_t i = 0; i < chunk.tokens(); ++i) {
      const std::string_view token = chunk.token(i);
      if (!terms.plausible(token)) continue;
      FuzzyHits hits;
      terms.add_items(mime::compose(token), token.size() * 3, 0, words, hits);
      if (hits.empty()) continue;
      marks_[i] = static_cast<uint32_t>(items_.size());
      items_.push_back(std::move(hits));
    }
  }
  bool empty() const { return items_.size() == 1; }
  bool marked(uint32_t token) const { return marks_[token] != 0; }
  void add(uint32_t token, uint8_t field, FuzzyHits& hits) const {
    for (const FuzzyHit& hit : items_[marks_[token]]) hits.push_back({hit.item, field});
  }

 private:
  std::vector<uint32_t> marks_;  // by token: its place in items_, or 0
  std::vector<FuzzyHits> items_;
};

/// What may count of one row; nothing if its words are to be read from its extract.
std::optional<FuzzyHits> row_hits(const FuzzyTerms& terms, const TextChunk& chunk, size_t row,
                                  const Tokens& tokens, FuzzyWords& words) {
  FuzzyHits hits;
  bool in_headers = false;
  chunk.for_each_token(row, TextPart::headers, [&](uint32_t token) {
    in_headers = in_headers || tokens.marked(token);
    return !in_headers;
  });
  chunk.for_each_token(row, TextPart::body, [&](uint32_t token) {
    if (tokens.marked(token)) tokens.add(token, kFuzzyBody, hits);
    return true;
  });
  if (!in_headers && hits.empty()) return hits;
  size_t octets = 0;
  chunk.for_each_token(row, TextPart::body, [&](uint32_t token) {
    octets += chunk.token(token).size();
    return octets <= store::WordIndex::kMaxBody;
  });
  if (octets > store::WordIndex::kMaxBody) return std::nullopt;  // the index has its beginning only
  if (in_headers) {
    const auto head = headers_of(mime::compose(chunk.text(row, TextPart::headers, SIZE_MAX)));
    terms.add_items(head.subject, head.subject.size(), kFuzzySubject, words, hits);
    terms.add_items(head.addresses, head.addresses.size(), kFuzzyAddress, words, hits);
  }
  tidy(hits);
  return hits;
}

}  // namespace

/// One run: chunks first, then the extracts of what they do not hold.
class FuzzySearch::Pass {
 public:
  Pass(FuzzySearch& search, std::vector<uint32_t> uids, const Tell& tell)
      : search_(search),
        scope_(search.texts_.scope()),
        uids_(std::move(uids)),
        tell_(tell),
        here_(uids_.size()) {}

  Task<Result<void>> run() {
    auto use = [this](const std::shared_ptr<const TextChunk>& chunk, size_t begin, size_t end) {
      Found found = search_chunk(chunk, begin, end);
      const std::lock_guard lock(mutex_);
      found_.push_back(std::move(found));
    };
    CO_TRY_VOID(co_await search_.texts_.read(uids_, std::move(use)));
    CO_TRY_VOID(co_await search_.settle(std::move(found_), tell_));
    co_return co_await read_extracts();
  }

 private:
  /// On a thread of the pool.
  Found search_chunk(const std::shared_ptr<const TextChunk>& chunk, size_t begin, size_t end) {
    Found found{chunk, {}, {}};
    const Tokens tokens(search_.terms_, *chunk, found.words);
    for (size_t place = begin; place < end; ++place) {
      const auto row = chunk->find(uids_[place]);
      if (!row || !chunk->same_letters(*row)) continue;
      auto hits = tokens.empty() ? FuzzyHits() : row_hits(search_.terms_, *chunk, *row, tokens, found.words);
      if (!hits) continue;
      here_[place] = 1;
      found.rows.push_back({place, std::move(*hits), *row, {}});
    }
    return found;
  }

  Task<Result<void>> read_extracts() {
    std::vector<uint32_t> large;
    for (size_t at = 0; at < uids_.size();) {
      if (here_[at] != 0) {
        ++at;
        continue;
      }
      store::UidSet::Range range{uids_[at], uids_[at]};
      for (; at < uids_.size() && uids_[at] - range.first < store::Messages::kTextRange; ++at) {
        if (here_[at] != 0) continue;
        if (uids_[at] - range.last > kGap) break;
        range.last = uids_[at];
      }
      CO_TRY_VOID(co_await read_range(range, large));
    }
    std::vector<uint32_t> none;
    for (const uint32_t uid : large) CO_TRY_VOID(co_await read_range({uid, uid}, none));
    co_return Result<void>{};
  }

  Task<Result<void>> read_range(store::UidSet::Range range, std::vector<uint32_t>& large) {
    if (scope_.unwanted && scope_.unwanted()) co_return fail(Errc::closed, "nobody waits for the search");
    CO_TRY(const auto texts, co_await search_.worker_.messages.packed_texts(
                                 scope_.mailbox->account(), scope_.mailbox->id(), range, search_.deadline_));
    for (size_t row = 0; row < texts.size(); ++row)
      if (texts.left_out(row)) large.push_back(texts.uid(row));
    std::vector<Found> found;
    found.push_back(co_await offload([this, &texts] { return search_extracts(texts); }));
    co_return co_await search_.settle(std::move(found), tell_);
  }

  /// On a thread of the pool. What has no readable extract the index has by no word.
  Found search_extracts(const store::Messages::PackedTexts& texts) {
    Found found;
    const FuzzyTerms& terms = search_.terms_;
    for (size_t i = 0; i < texts.size(); ++i) {
      const auto at = std::lower_bound(uids_.begin(), uids_.end(), texts.uid(i));
      const auto place = static_cast<size_t>(at - uids_.begin());
      if (at == uids_.end() || *at != texts.uid(i) || here_[place] != 0 || texts.left_out(i)) continue;
      const auto text = texts.text(i);
      const store::WordDocument document = document_of({}, text ? *text : std::string());
      Row row{.place = place, .hits = {}};
      terms.add_items(document.subject, document.subject.size(), kFuzzySubject, found.words, row.hits);
      terms.add_items(document.addresses, document.addresses.size(), kFuzzyAddress, found.words, row.hits);
      terms.add_items(document.body, store::WordIndex::kMaxBody, kFuzzyBody, found.words, row.hits);
      tidy(row.hits);
      if (!row.hits.empty()) row.sample = language_sample(document.subject, document.body);
      found.rows.push_back(std::move(row));
    }
    return found;
  }

  FuzzySearch& search_;
  const TextRead& scope_;
  const std::vector<uint32_t> uids_;
  const Tell& tell_;
  std::vector<uint8_t> here_;  // by place: its chunk tells; written by one thread each
  std::mutex mutex_;
  std::vector<Found> found_;
};

FuzzySearch::FuzzySearch(Worker& worker, TextReader& texts, std::vector<store::WordTerm> terms,
                         Deadline deadline)
    : worker_(worker), texts_(texts), deadline_(deadline), terms_(terms), judge_(terms_) {}
FuzzySearch::~FuzzySearch() = default;

Task<Result<void>> FuzzySearch::prepare() {
  if (std::exchange(ready_, true)) co_return Result<void>{};
  CO_TRY(const auto known,
         co_await store::word_languages(worker_.pool, texts_.scope().mailbox->account(), deadline_));
  CO_TRY(const auto forms,
         co_await store::word_forms(worker_.pool, languages(), terms_.words(), terms_.prefixes(), deadline_));
  terms_.set_forms(forms, known);
  co_return Result<void>{};
}

Task<Result<void>> FuzzySearch::run(std::vector<uint32_t> uids, Tell tell) {
  CO_TRY_VOID(co_await prepare());
  Pass pass(*this, std::move(uids), tell);
  co_return co_await pass.run();
}

/// Asks for the stems of words that are new, then decides.
Task<Result<void>> FuzzySearch::settle(std::vector<Found> found, const Tell& tell) {
  co_await offload([this, &found] {
    for (Found& one : found) {
      std::vector<uint32_t> numbers;
      for (const std::string& word : one.words.all()) numbers.push_back(judge_.words().id(word));
      for (Row& row : one.rows) {
        for (FuzzyHit& hit : row.hits)
          if ((hit.item & FuzzyHit::kPair) == 0) hit.item = numbers[hit.item];
        tidy(row.hits);
      }
    }
  });
  const std::vector<std::string> unasked = judge_.unasked();
  std::vector<store::WordStem> stems;
  for (size_t at = 0; at < unasked.size(); at += kWordsAtOnce) {
    const auto begin = unasked.begin() + static_cast<std::ptrdiff_t>(at);
    const auto count = static_cast<std::ptrdiff_t>(std::min(kWordsAtOnce, unasked.size() - at));
    std::vector<std::string> some(begin, begin + count);
    CO_TRY(const auto more,
           co_await store::word_stems(worker_.pool, languages(), std::move(some), terms_.lexemes(),
                                      terms_.lexeme_prefixes(), deadline_));
    for (store::WordStem stem : more) {
      stem.word += at;
      stems.push_back(stem);
    }
  }
  judge_.set_stems(stems);
  co_await offload([this, &found, &tell] {
    for (const Found& one : found)
      for (const Row& row : one.rows)
        tell(row.place, judge_.judge(row.hits, [&] {
          return one.chunk ? chunk_language(*one.chunk, row.row)
                           : language_number(guess_language(row.sample));
        }));
  });
  co_return Result<void>{};
}

}  // namespace dromos::imapd
