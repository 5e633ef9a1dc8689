#include "spamd/service/weight_table.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <utility>

namespace dromos::spamd {

Weight add_weights(Weight a, Weight b) {
  const int64_t sum = int64_t{a} + b;
  return static_cast<Weight>(
      std::clamp<int64_t>(sum, std::numeric_limits<Weight>::min(), std::numeric_limits<Weight>::max()));
}

WeightTable::WeightTable(size_t expected) {
  if (expected > 0) rehash(std::bit_ceil(expected + expected / 3 + 16));
}

Weight& WeightTable::at(Token token) {
  if ((size_ + 1) * 4 > keys_.size() * 3) rehash(keys_.empty() ? 1024 : keys_.size() * 2);
  const size_t place = find(token);
  if (keys_[place] == 0) {
    keys_[place] = token;
    values_[place] = 0;
    ++size_;
  }
  return values_[place];
}

void WeightTable::rehash(size_t slots) {
  std::vector<Token> keys(slots);
  std::vector<Weight> values(slots);
  keys.swap(keys_);
  values.swap(values_);
  shift_ = 64 - std::countr_zero(slots);
  for (size_t i = 0; i < keys.size(); ++i) {
    if (keys[i] == 0) continue;
    const size_t place = find(keys[i]);
    keys_[place] = keys[i];
    values_[place] = values[i];
  }
}

}  // namespace dromos::spamd
