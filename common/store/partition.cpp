#include "common/store/partition.h"

#include <bit>

namespace dromos::store {
namespace {

/// Bob Jenkins' lookup3 over one 32-bit word, as PostgreSQL seeds it for partitions of tables.
uint64_t hash_word(uint32_t word) {
  constexpr uint64_t kPartitionSeed = 0x7A5B22367996DCFD;
  uint32_t a = 0x9e3779b9 + sizeof word + 3923095, b = a, c = a;
  auto mix = [](uint32_t& into, uint32_t& from, uint32_t& other, int turn) {
    into -= from;
    into ^= std::rotl(from, turn);
    from += other;
  };
  a += static_cast<uint32_t>(kPartitionSeed >> 32);
  b += static_cast<uint32_t>(kPartitionSeed);
  mix(a, c, b, 4);
  mix(b, a, c, 6);
  mix(c, b, a, 8);
  mix(a, c, b, 16);
  mix(b, a, c, 19);
  mix(c, b, a, 4);
  a += word;
  auto finish = [](uint32_t& into, uint32_t with, int turn) {
    into ^= with;
    into -= std::rotl(with, turn);
  };
  finish(c, b, 14);
  finish(a, c, 11);
  finish(b, a, 25);
  finish(c, b, 16);
  finish(a, c, 4);
  finish(b, a, 14);
  finish(c, b, 24);
  return uint64_t{b} << 32 | c;
}

std::string with_partition(std::string_view text, int partition) {
  std::string out;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text.substr(at, 2) == "%p") {
      out += std::to_string(partition);
      ++at;
    } else {
      out += text[at];
    }
  }
  return out;
}

}  // namespace

int partition_of(AccountId account) {
  const int64_t id = account.value;
  const auto low = static_cast<uint32_t>(id), high = static_cast<uint32_t>(static_cast<uint64_t>(id) >> 32);
  // A key of one column: combined with a row hash of 0, of which only this constant is left.
  const uint64_t row = hash_word(low ^ (id >= 0 ? high : ~high)) + 0x49a0f4dd15e5a8e3;
  return static_cast<int>(row % kPartitions);
}

AccountStatement::AccountStatement(std::string_view name, std::string_view sql) {
  for (int partition = 0; partition < kPartitions; ++partition) {
    const auto at = static_cast<size_t>(partition);
    names_[at] = with_partition(std::string(name) + "_p%p", partition);
    texts_[at] = with_partition(sql, partition);
    statements_[at] = {names_[at].c_str(), texts_[at].c_str()};
  }
}

}  // namespace dromos::store
