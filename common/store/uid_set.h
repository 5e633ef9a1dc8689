// UidSet: ascending, disjoint, non-adjacent ranges of uids; text form is PostgreSQL's int8multirange.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dromos::store {

class UidSet {
 public:
  struct Range {
    uint32_t first;
    uint32_t last;  ///< included
    bool operator==(const Range&) const = default;
  };

  UidSet() = default;
  static UidSet all() { return range(1, UINT32_MAX); }
  static UidSet range(uint32_t first, uint32_t last);
  static UidSet of(std::vector<uint32_t> uids);

  /// Any order, may overlap.
  void add(uint32_t first, uint32_t last);
  void add(uint32_t uid) { add(uid, uid); }
  bool contains(uint32_t uid) const;
  bool empty() const { return ranges_.empty(); }
  uint64_t count() const;
  const std::vector<Range>& ranges() const { return ranges_; }
  /// Every uid in ascending order. Only for sets known to be small enough.
  std::vector<uint32_t> expand() const;
  bool operator==(const UidSet&) const = default;

  /// "{[1,5),[7,8)}"
  std::string to_sql() const;
  static std::optional<UidSet> parse_sql(std::string_view text);

 private:
  std::vector<Range> ranges_;
};

}  // namespace dromos::store
