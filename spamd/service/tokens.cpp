#include "spamd/service/tokens.h"

#include <cstring>

namespace dromos::spamd {

namespace {
constexpr uint64_t kMul = 0x9E3779B97F4A7C15ULL;

uint64_t mix(uint64_t a, uint64_t b) {
  const auto product =
      static_cast<unsigned __int128>(a ^ 0x2D358DCCAA6C78A5ULL) * (b ^ 0x8BB84B93962EACC9ULL);
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}
}  // namespace

uint64_t hash_bytes(std::string_view bytes, uint64_t seed) {
  uint64_t state = seed ^ (bytes.size() * kMul);
  while (bytes.size() >= 8) {
    uint64_t chunk;
    std::memcpy(&chunk, bytes.data(), 8);
    state = mix(state, chunk);
    bytes.remove_prefix(8);
  }
  uint64_t rest = 0;
  if (!bytes.empty()) std::memcpy(&rest, bytes.data(), bytes.size());
  return mix(state, rest ^ kMul);
}

Token make_token(Group group, uint64_t hash) {
  const Token token = (hash & ~kGroupMask) | static_cast<uint64_t>(group);
  // Zero marks a free slot in the tables.
  return token == 0 ? Token{1} << 63 : token;
}

TokenSet::TokenSet(bool keep_text) : slots_(kSlots), keep_text_(keep_text) {
  tokens_.reserve(1024);
}

bool TokenSet::insert(Token token) {
  const auto group = static_cast<size_t>(group_of(token));
  if (counts_[group] >= kMaxOfGroup[group] || tokens_.size() >= kMaxTokens) return false;
  size_t at = (token >> 4) & (kSlots - 1);
  while (slots_[at] != 0) {
    if (slots_[at] == token) return false;
    at = (at + 1) & (kSlots - 1);
  }
  slots_[at] = token;
  tokens_.push_back(token);
  ++counts_[group];
  return true;
}

void TokenSet::add(Group group, std::string_view tag, std::string_view text) {
  const uint64_t seed = tag.empty() ? 0 : hash_bytes(tag);
  const Token token = make_token(group, hash_bytes(text, seed));
  if (insert(token) && keep_text_) texts_[token] = std::string(tag).append(text);
}

void TokenSet::add_pair(Group group, uint64_t first, uint64_t second, int gap, std::string_view first_text,
                        std::string_view second_text) {
  const Token token = make_token(group, mix(first + static_cast<uint64_t>(gap) * kMul, second));
  if (!insert(token) || !keep_text_) return;
  std::string text(first_text);
  text.append(gap == 0 ? " " : " ... ").append(second_text);
  texts_[token] = std::move(text);
}

std::string TokenSet::text_of(Token token) const {
  const auto found = texts_.find(token);
  return found == texts_.end() ? std::string() : found->second;
}

}  // namespace dromos::spamd
