#include "imapd/service/message_keys.h"

#include <algorithm>
#include <cstring>
#include <unordered_map>

#include "common/base/strings.h"
#include "common/crypto/crypto.h"
#include "common/mime/address.h"
#include "common/mime/charset.h"
#include "common/mime/collation.h"
#include "common/mime/header.h"
#include "imapd/service/envelope.h"

namespace dromos::imapd {
namespace {

std::string& text(MessageKeys& keys, KeyText which) {
  return keys.texts[static_cast<size_t>(which)];
}

bool plain(std::string_view value) {
  return value.find("=?") == std::string_view::npos &&
         std::all_of(value.begin(), value.end(), [](char c) { return c >= ' ' && c < 127; });
}

std::string decoded(std::string_view value) {
  return plain(value) ? std::string(value) : mime::decode_words(value);
}

void set_key(MessageKeys& keys, KeyText which, std::string_view value) {
  std::string key = mime::casemap_key(value);
  if (key.size() > kMaxKeyText) key.resize(kMaxKeyText);
  text(keys, which) = std::move(key);
}

void set_address_keys(MessageKeys& keys, std::string_view envelope) {
  FirstAddresses first;
  if (!first_addresses(envelope, first)) return;
  const auto of = [&](EnvelopeField field) -> const auto& { return first[static_cast<size_t>(field)]; };
  const auto set_mailbox = [&](KeyText which, EnvelopeField field) {
    if (of(field) && of(field)->mailbox) set_key(keys, which, decoded(*of(field)->mailbox));
  };
  set_mailbox(KeyText::from, EnvelopeField::from);
  set_mailbox(KeyText::to, EnvelopeField::to);
  set_mailbox(KeyText::cc, EnvelopeField::cc);
  if (of(EnvelopeField::from)) set_key(keys, KeyText::display_from, display_value(*of(EnvelopeField::from)));
  if (of(EnvelopeField::to)) set_key(keys, KeyText::display_to, display_value(*of(EnvelopeField::to)));
}

void set_searched(MessageKeys& keys, KeyText which, const std::optional<std::string_view>& value) {
  if (!value) return;
  if (value->size() > kMaxSearchedField)
    keys.exact = false;
  else
    text(keys, which) = mime::fold_case(decoded(*value));
}

/// Of addresses with comments in them also the addresses alone: SEARCH FROM looks at what ENVELOPE shows (RFC
/// 9051 §6.4.4).
void set_searched_addresses(MessageKeys& keys, KeyText which, const std::optional<std::string_view>& value) {
  set_searched(keys, which, value);
  if (!value || value->size() > kMaxSearchedField || value->find('(') == std::string_view::npos) return;
  for (const mime::EmailAddress& address : mime::email_addresses(*value))
    text(keys, which).append("\n").append(mime::fold_case(address.email));
}

/// RFC 5256 §3: quoting makes no other id. Empty: no valid one.
std::string normal_id(std::string_view id) {
  if (id.find('@') == std::string_view::npos) return {};
  std::string out;
  bool quoted = false;
  for (size_t i = 0; i < id.size(); ++i) {
    if (id[i] == '"') {
      quoted = !quoted;
      continue;
    }
    if (quoted && id[i] == '\\' && i + 1 < id.size()) ++i;
    out += id[i];
  }
  return out;
}

uint64_t rotate(uint64_t value, int bits) {
  return value << bits | value >> (64 - bits);
}

struct SipState {
  uint64_t a, b, c, d;
  void round() {
    a += b;
    c += d;
    b = rotate(b, 13) ^ a;
    d = rotate(d, 16) ^ c;
    a = rotate(a, 32);
    c += b;
    a += d;
    b = rotate(b, 17) ^ c;
    d = rotate(d, 21) ^ a;
    c = rotate(c, 32);
  }
  void take(uint64_t word) {
    d ^= word;
    round();
    round();
    a ^= word;
  }
};

uint64_t word_at(std::string_view bytes, size_t at) {
  uint64_t word = 0;
  std::memcpy(&word, bytes.data() + at, 8);
  return word;
}

}  // namespace

// SipHash-2-4 (Aumasson and Bernstein).
uint64_t message_id_hash(std::string_view id) {
  static const std::string key = crypto::random_bytes(16);
  const uint64_t k0 = word_at(key, 0);
  const uint64_t k1 = word_at(key, 8);
  SipState state{k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261,
                 k1 ^ 0x7465646279746573};
  size_t at = 0;
  for (; at + 8 <= id.size(); at += 8) state.take(word_at(id, at));
  uint64_t last = static_cast<uint64_t>(id.size()) << 56;
  for (size_t i = 0; at + i < id.size(); ++i)
    last |= static_cast<uint64_t>(static_cast<unsigned char>(id[at + i])) << (8 * i);
  state.take(last);
  state.c ^= 0xff;
  for (int i = 0; i < 4; ++i) state.round();
  const uint64_t hash = state.a ^ state.b ^ state.c ^ state.d;
  return hash == 0 ? 1 : hash;
}

MessageKeys message_keys(uint32_t uid, const mime::FactsKeys& facts) {
  using mime::Kept;
  MessageKeys keys;
  keys.uid = uid;
  keys.reply = facts.reply_or_forward;
  keys.exact = !facts.repeated;
  if (facts.sent) {
    keys.sent = facts.sent->epoch;
    keys.zone_minutes = facts.sent->offset_minutes;
  }
  if (const std::string id = normal_id(facts.message_id); !id.empty()) keys.id = message_id_hash(id);
  for (const std::string_view given : facts.references)
    if (const std::string id = normal_id(given); !id.empty()) keys.references.push_back(message_id_hash(id));
  // RFC 5256 §3: without valid References the first valid one of In-Reply-To.
  for (size_t i = 0; i < facts.in_reply_to.size() && keys.references.empty(); ++i)
    if (const std::string id = normal_id(facts.in_reply_to[i]); !id.empty())
      keys.references.push_back(message_id_hash(id));
  set_key(keys, KeyText::subject, facts.base_subject);
  set_address_keys(keys, facts.envelope);
  set_searched(keys, KeyText::search_subject, facts.get(Kept::subject));
  set_searched_addresses(keys, KeyText::search_from, facts.get(Kept::from));
  set_searched_addresses(keys, KeyText::search_to, facts.get(Kept::to));
  set_searched_addresses(keys, KeyText::search_cc, facts.get(Kept::cc));
  return keys;
}

std::shared_ptr<const KeyChunk> KeyChunk::make(std::span<const MessageKeys> rows, uint32_t through) {
  return extend(nullptr, rows, through);
}

class KeyChunk::Builder {
 public:
  explicit Builder(KeyChunk& chunk) : chunk_(chunk) {
    if (chunk.texts_.empty()) chunk.texts_.emplace_back();
    std::string scratch;
    for (size_t i = 0; i < chunk.texts_.size(); ++i)
      codes_.emplace(chunk.text(chunk.texts_[i], scratch), static_cast<uint16_t>(i));
  }

  void add(const MessageKeys& row) {
    Head head{};
    head.uid = row.uid;
    head.zone = static_cast<int16_t>(row.zone_minutes);
    head.reply = row.reply;
    head.exact = row.exact;
    head.id = row.id;
    set_sent(head, row.sent);
    chunk_.references_.insert(chunk_.references_.end(), row.references.begin(), row.references.end());
    head.references = static_cast<uint32_t>(chunk_.references_.size());
    chunk_.heads_.push_back(head);
    add_texts(row);
  }

 private:
  void set_sent(Head& head, std::optional<int64_t> sent) {
    head.has_sent = sent.has_value();
    if (!sent) return;
    head.far = *sent < 0 || *sent > UINT32_MAX;
    head.sent = static_cast<uint32_t>(head.far ? static_cast<int64_t>(chunk_.far_.size()) : *sent);
    if (head.far) chunk_.far_.push_back(*sent);
  }

  /// Those that are searched first: the others may be parts of them.
  void add_texts(const MessageKeys& row) {
    std::array<uint16_t, kKeyTexts> codes{};
    const auto place = [](KeyText which) { return static_cast<size_t>(which); };
    const auto add = [&](KeyText which) {
      codes[place(which)] = code_of(row.texts[place(which)], std::string_view());
    };
    const auto add_part = [&](KeyText which, KeyText of) {
      codes[place(which)] = code_of(row.texts[place(which)], row.texts[place(of)]);
    };
    for (const KeyText each :
         {KeyText::search_subject, KeyText::search_from, KeyText::search_to, KeyText::search_cc})
      add(each);
    add_part(KeyText::subject, KeyText::search_subject);
    add_part(KeyText::from, KeyText::search_from);
    add_part(KeyText::display_from, KeyText::search_from);
    add_part(KeyText::to, KeyText::search_to);
    add_part(KeyText::display_to, KeyText::search_to);
    add_part(KeyText::cc, KeyText::search_cc);
    chunk_.codes_.insert(chunk_.codes_.end(), codes.begin(), codes.end());
  }

  /// `whole` is here already, or empty.
  uint16_t code_of(const std::string& text, std::string_view whole) {
    if (const auto known = codes_.find(text); known != codes_.end()) return known->second;
    Text made{0, static_cast<uint16_t>(text.size()), false};
    const std::string small = to_lower(text);
    const size_t at = to_upper(small) == text ? whole.find(small) : std::string_view::npos;
    if (at != std::string_view::npos) {
      // The searched text is never one in capitals itself.
      made.begin = chunk_.texts_[codes_.find(std::string(whole))->second].begin + static_cast<uint32_t>(at);
      made.capitals = true;
    } else {
      made.begin = static_cast<uint32_t>(chunk_.octets_.size());
      chunk_.octets_ += text;
    }
    const auto code = static_cast<uint16_t>(chunk_.texts_.size());
    chunk_.texts_.push_back(made);
    codes_.emplace(text, code);
    return code;
  }

  KeyChunk& chunk_;
  std::unordered_map<std::string, uint16_t> codes_;
};

std::shared_ptr<const KeyChunk> KeyChunk::extend(const KeyChunk* before, std::span<const MessageKeys> rows,
                                                 uint32_t through) {
  static_assert(kUids * kKeyTexts < UINT16_MAX);
  auto chunk = before != nullptr ? std::make_shared<KeyChunk>(*before) : std::make_shared<KeyChunk>();
  chunk->heads_.reserve(chunk->heads_.size() + rows.size());
  chunk->codes_.reserve(chunk->codes_.size() + rows.size() * kKeyTexts);
  Builder builder(*chunk);
  for (const MessageKeys& row : rows) builder.add(row);
  chunk->octets_.shrink_to_fit();
  chunk->texts_.shrink_to_fit();
  chunk->references_.shrink_to_fit();
  chunk->through_ = std::max(chunk->through_, through);
  return chunk;
}

std::span<const uint64_t> KeyChunk::Row::references() const {
  const uint32_t begin = at_ == 0 ? 0 : chunk_->heads_[at_ - 1].references;
  return std::span(chunk_->references_).subspan(begin, head().references - begin);
}

std::string_view KeyChunk::Row::text(KeyText which, std::string& scratch) const {
  const uint16_t code = chunk_->codes_[at_ * kKeyTexts + static_cast<size_t>(which)];
  return chunk_->text(chunk_->texts_[code], scratch);
}

std::string_view KeyChunk::text(Text text, std::string& scratch) const {
  const std::string_view octets = std::string_view(octets_).substr(text.begin, text.size);
  if (!text.capitals) return octets;
  scratch.resize(octets.size());
  std::transform(octets.begin(), octets.end(), scratch.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  return scratch;
}

std::optional<KeyChunk::Row> KeyChunk::find(uint32_t uid) const {
  const auto at = std::lower_bound(heads_.begin(), heads_.end(), uid,
                                   [](const Head& head, uint32_t u) { return head.uid < u; });
  if (at == heads_.end() || at->uid != uid) return std::nullopt;
  return Row(this, static_cast<size_t>(at - heads_.begin()));
}

size_t KeyChunk::memory() const {
  return sizeof *this + heads_.capacity() * sizeof(Head) + references_.capacity() * sizeof(uint64_t) +
         codes_.capacity() * sizeof(uint16_t) + texts_.capacity() * sizeof(Text) + octets_.capacity() +
         far_.capacity() * sizeof(int64_t);
}

}  // namespace dromos::imapd
