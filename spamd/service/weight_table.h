// WeightTable: token -> weight in one flat open-addressing table; 12 bytes a slot, no deletion, about one
// cache miss a lookup. Weights are fixed-point (kWeightUnit), so that sums do not depend on their order and
// subtracting undoes adding exactly. Not thread-safe for writers; readers may share a table that nobody
// writes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "spamd/service/tokens.h"

namespace dromos::spamd {

using Weight = int32_t;
/// One unit of a stored weight, in log-odds.
inline constexpr double kWeightUnit = 1.0 / (1 << 20);
/// Sum of two weights, at the ends of the range where it would leave it.
Weight add_weights(Weight a, Weight b);

class WeightTable {
 public:
  explicit WeightTable(size_t expected = 0);

  /// Zero for unknown tokens.
  Weight get(Token token) const {
    if (keys_.empty()) return 0;
    const size_t at = find(token);
    return keys_[at] == token ? values_[at] : 0;
  }
  bool contains(Token token) const { return !keys_.empty() && keys_[find(token)] == token; }
  void prefetch(Token token) const {
    if (!keys_.empty()) __builtin_prefetch(&keys_[slot(token)]);
  }

  void set(Token token, Weight value) { at(token) = value; }
  void add(Token token, Weight delta) {
    Weight& weight = at(token);
    weight = add_weights(weight, delta);
  }
  size_t size() const { return size_; }
  size_t memory_bytes() const { return keys_.size() * (sizeof(Token) + sizeof(Weight)); }

  template <class Visit>
  void for_each(Visit visit) const {
    for (size_t i = 0; i < keys_.size(); ++i) {
      if (keys_[i] != 0) visit(keys_[i], values_[i]);
    }
  }

 private:
  size_t slot(Token token) const { return static_cast<size_t>((token * 0x9E3779B97F4A7C15ULL) >> shift_); }
  size_t find(Token token) const {
    size_t at = slot(token);
    while (keys_[at] != 0 && keys_[at] != token) at = (at + 1) & (keys_.size() - 1);
    return at;
  }
  Weight& at(Token token);
  void rehash(size_t slots);

  std::vector<Token> keys_;
  std::vector<Weight> values_;
  size_t size_ = 0;
  int shift_ = 63;
};

}  // namespace dromos::spamd
