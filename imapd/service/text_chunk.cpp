#include "imapd/service/text_chunk.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "common/base/strings.h"
#include "common/crypto/crypto.h"
#include "common/mime/collation.h"
#include "common/mime/text.h"
#include "imapd/index/document.h"
#include "imapd/index/language.h"
#include "imapd/service/same_letters.h"

namespace dromos::imapd {
namespace {

constexpr auto kInWord = [] {
  std::array<bool, 256> table{};
  for (size_t c = 0; c < 256; ++c)
    table[c] = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c >= 128;
  return table;
}();

bool in_word(char c) {
  return kInWord[static_cast<unsigned char>(c)];
}

size_t end_of_token(std::string_view text, size_t at) {
  while (at < text.size() && in_word(text[at])) ++at;
  while (at < text.size() && !in_word(text[at])) ++at;
  return at;
}

uint64_t mix(uint64_t a, uint64_t b) {
  const auto product = static_cast<unsigned __int128>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64U);
}

/// A key of this process, so that no mail can make tokens collide on purpose.
struct HashKey {
  uint64_t start = 0, step = 0;
  HashKey() {
    const std::string bytes = crypto::random_bytes(16);
    std::memcpy(&start, bytes.data(), 8);
    std::memcpy(&step, bytes.data() + 8, 8);
    step |= 1;
  }
};

constexpr size_t kWord = 8;

/// The first octets of `text` from `at` on, at most `count` <= 8, the others 0.
uint64_t load(std::string_view text, size_t at, size_t count) {
  uint64_t word = 0;
  if (at + kWord <= text.size()) {
    std::memcpy(&word, text.data() + at, kWord);
    return count == kWord ? word : word & ((uint64_t{1} << (count * 8)) - 1);
  }
  std::memcpy(&word, text.data() + at, count);
  return word;
}

const char* find_in(std::string_view text, size_t from, std::string_view needle) {
  return static_cast<const char*>(
      memmem(text.data() + from, text.size() - from, needle.data(), needle.size()));
}

}  // namespace

TextNeedle::TextNeedle(std::string_view decomposed) {
  if (decomposed.find('\0') != std::string_view::npos || !is_utf8(decomposed)) return;
  for (size_t at = 0; at < decomposed.size();) {
    const size_t end = end_of_token(decomposed, at);
    pieces_.emplace_back(decomposed.substr(at, end - at));
    at = end;
  }
}

/// The needle in terms of one chunk's tokens.
class TextChunk::Query {
 public:
  static constexpr uint8_t kFirst = 1;
  static constexpr uint8_t kLast = 2;

  /// False: no text here holds it.
  bool prepare(const TextChunk& chunk, const TextNeedle& needle) {
    const std::vector<std::string>& pieces = needle.pieces_;
    marks.assign(chunk.begins_.size() - 1, 0);
    if (pieces.size() == 1) return mark(chunk, pieces.front(), kFirst);
    const std::string nul(1, '\0');
    for (size_t i = 1; i + 1 < pieces.size(); ++i) {
      const char* at = find_in(chunk.tokens_, 0, nul + pieces[i] + nul);
      if (at == nullptr) return false;
      middle.push_back(chunk.token_at(static_cast<size_t>(at - chunk.tokens_.data()) + 1, 0));
    }
    return mark(chunk, pieces.front() + nul, kFirst) && mark(chunk, nul + pieces.back(), kLast);
  }
  bool single() const { return middle.empty() && !pair; }

  std::vector<uint8_t> marks;    // by token
  std::vector<uint32_t> middle;  // tokens between the first and the last
  bool pair = false;             // there is a last one

 private:
  bool mark(const TextChunk& chunk, std::string_view what, uint8_t as) {
    pair = pair || as == kLast;
    bool any = false;
    uint32_t token = 0;
    for (size_t from = 0; from < chunk.tokens_.size(); from = chunk.begins_[token + 1] - 1) {
      const char* at = find_in(chunk.tokens_, from, what);
      if (at == nullptr) break;
      const auto offset = static_cast<size_t>(at - chunk.tokens_.data());
      token = chunk.token_at(what.front() == '\0' ? offset + 1 : offset, token);
      marks[token] |= as;
      any = true;
    }
    return any;
  }
};

uint32_t TextChunk::token_at(size_t offset, uint32_t from) const {
  const auto next = std::upper_bound(begins_.begin() + from, begins_.end(), offset);
  return static_cast<uint32_t>(next - begins_.begin()) - 1;
}

std::optional<size_t> TextChunk::find(uint32_t uid) const {
  const auto at = std::lower_bound(rows_.begin(), rows_.end(), uid,
                                   [](const Row& row, uint32_t u) { return row.uid < u; });
  if (at == rows_.end() || at->uid != uid) return std::nullopt;
  return static_cast<size_t>(at - rows_.begin());
}

namespace {

template <class Number>
bool holds_single(std::span<const Number> numbers, const std::vector<uint8_t>& marks) {
  return std::any_of(numbers.begin(), numbers.end(), [&](Number n) { return marks[n] != 0; });
}

/// First, those between, last.
template <class Number>
bool holds_sequence(std::span<const Number> numbers, const std::vector<uint8_t>& marks,
                    const std::vector<uint32_t>& middle, uint8_t first, uint8_t last) {
  const size_t length = middle.size() + 2;
  for (size_t i = 0; i + length <= numbers.size(); ++i) {
    if ((marks[numbers[i]] & first) == 0 || (marks[numbers[i + length - 1]] & last) == 0) continue;
    if (std::equal(middle.begin(), middle.end(), numbers.begin() + static_cast<std::ptrdiff_t>(i) + 1))
      return true;
  }
  return false;
}

}  // namespace

template <class Number>
void TextChunk::scan(const Query& query, const std::vector<Number>& numbers, TextPart part,
                     std::vector<bool>& found) const {
  const auto holds = [&](uint32_t begin, uint32_t end) {
    const auto some = std::span<const Number>(numbers).subspan(begin, end - begin);
    return query.single() ? holds_single(some, query.marks)
                          : holds_sequence(some, query.marks, query.middle, Query::kFirst, Query::kLast);
  };
  for (size_t i = 0; i < rows_.size(); ++i) {
    const Row& row = rows_[i];
    found[i] = (part != TextPart::body && holds(row.begin, row.body)) ||
               (part != TextPart::headers && holds(row.body, row.end));
  }
}

std::vector<bool> TextChunk::holding(const TextNeedle& needle, TextPart part) const {
  std::vector<bool> found(rows_.size());
  Query query;
  if (rows_.empty() || !query.prepare(*this, needle)) return found;
  if (wide_.empty())
    scan(query, numbers_, part, found);
  else
    scan(query, wide_, part, found);
  return found;
}

std::string TextChunk::text(size_t row, TextPart part, size_t limit) const {
  std::string out;
  for_each_token(row, part, [&](uint32_t number) {
    out += token(number);
    return out.size() < limit;
  });
  return out;
}

size_t TextChunk::memory() const {
  return sizeof *this + tokens_.capacity() + begins_.capacity() * sizeof(uint32_t) +
         numbers_.capacity() * sizeof(uint16_t) + wide_.capacity() * sizeof(uint32_t) +
         rows_.capacity() * sizeof(Row);
}

struct TextChunk::Builder::State {
  std::string tokens{'\0'};
  std::vector<uint32_t> begins{1};
  std::vector<uint32_t> numbers;
  std::vector<Row> rows;
  const HashKey& key = hash_key();
  /// Of a token of at most kWord octets `word` is the token, else its hash.
  struct Slot {
    uint64_t word = 0;
    uint32_t size = 0;  // 0: free
    uint32_t number = 0;
  };
  std::vector<Slot> slots;
  /// Open addressing at no more than 3/4; what a chunk usually needs is taken at once.
  State() : slots(size_t{1} << 16U) {
    numbers.reserve(size_t{1} << 19U);
    tokens.reserve(size_t{1} << 19U);
    begins.reserve(size_t{1} << 15U);
  }

  static const HashKey& hash_key() {
    static const HashKey key;
    return key;
  }
  size_t memory() const {
    return tokens.size() + begins.size() * sizeof(uint32_t) + numbers.size() * sizeof(uint32_t);
  }
  std::string_view token(uint32_t number) const {
    return std::string_view(tokens).substr(begins[number], begins[number + 1] - begins[number] - 1);
  }
  size_t place_of(uint64_t word, size_t size) const {
    return mix(word ^ key.start ^ size, key.step) & (slots.size() - 1);
  }

  uint32_t number_of(std::string_view text, size_t at, size_t size) {
    uint64_t word = 0;
    if (size <= kWord) {
      word = load(text, at, size);
    } else {
      word = key.start;
      for (size_t i = 0; i < size; i += kWord)
        word = mix(word ^ load(text, at + i, std::min(kWord, size - i)), key.step);
    }
    size_t place = place_of(word, size);
    for (; slots[place].size != 0; place = (place + 1) & (slots.size() - 1)) {
      const Slot& slot = slots[place];
      if (slot.word == word && slot.size == size &&
          (size <= kWord || token(slot.number) == text.substr(at, size)))
        return slot.number;
    }
    const auto number = static_cast<uint32_t>(begins.size() - 1);
    slots[place] = {word, static_cast<uint32_t>(size), number};
    tokens.append(text, at, size) += '\0';
    begins.push_back(static_cast<uint32_t>(tokens.size()));
    if (begins.size() * 4 > slots.size() * 3) grow();
    return number;
  }
  void grow() {
    const std::vector<Slot> old = std::exchange(slots, std::vector<Slot>(slots.size() * 2));
    for (const Slot& slot : old) {
      if (slot.size == 0) continue;
      size_t place = place_of(slot.word, slot.size);
      while (slots[place].size != 0) place = (place + 1) & (slots.size() - 1);
      slots[place] = slot;
    }
  }
  void add(std::string_view text) {
    for (size_t at = 0; at < text.size();) {
      const size_t end = end_of_token(text, at);
      numbers.push_back(number_of(text, at, end - at));
      at = end;
    }
  }
};

TextChunk::Builder::Builder() : state_(std::make_unique<State>()) {}
TextChunk::Builder::~Builder() = default;
TextChunk::Builder::Builder(Builder&&) noexcept = default;
TextChunk::Builder& TextChunk::Builder::operator=(Builder&&) noexcept = default;

namespace {

/// Guessed now if the guess would be another by the text composed again.
uint8_t language_of(std::string_view search_text) {
  const store::WordDocument document = document_of({}, search_text);
  const std::string sample = language_sample(document.subject, document.body);
  if (mime::compose(mime::decompose_folded(sample)) == sample) return TextChunk::kUnknown;
  return static_cast<uint8_t>(language_number(guess_language(sample)));
}

}  // namespace

bool TextChunk::Builder::add(uint32_t uid, std::string_view search_text, bool whole) {
  std::string decomposed;
  Row row{.uid = uid, .whole = whole};
  if (mime::has_decompositions(search_text)) {
    row.same_letters = imapd::same_letters(search_text);
    row.language = language_of(search_text);
    decomposed = mime::decompose_folded(search_text);
    search_text = decomposed;
  }
  const mime::SearchText text = mime::split_search_text(search_text);
  if (text.body.find('\0') != std::string_view::npos) return false;
  // At worst each octet is a token of its own.
  if (state_->memory() + search_text.size() * 5 > kMaxBytes * 2) return false;
  row.begin = static_cast<uint32_t>(state_->numbers.size());
  state_->add(text.headers);
  row.body = static_cast<uint32_t>(state_->numbers.size());
  state_->add(text.body);
  row.end = static_cast<uint32_t>(state_->numbers.size());
  state_->rows.push_back(row);
  return true;
}

std::shared_ptr<const TextChunk> TextChunk::Builder::finish(uint32_t through) && {
  auto chunk = std::make_shared<TextChunk>();
  State& state = *state_;
  std::sort(state.rows.begin(), state.rows.end(), [](const Row& a, const Row& b) { return a.uid < b.uid; });
  chunk->rows_ = std::move(state.rows);
  state.tokens.shrink_to_fit();
  chunk->tokens_ = std::move(state.tokens);
  if (state.begins.size() <= (1U << 16U)) {
    chunk->numbers_.assign(state.numbers.begin(), state.numbers.end());
  } else {
    state.numbers.shrink_to_fit();
    chunk->wide_ = std::move(state.numbers);
  }
  state.begins.shrink_to_fit();
  chunk->begins_ = std::move(state.begins);
  chunk->through_ = through;
  return chunk;
}

}  // namespace dromos::imapd
