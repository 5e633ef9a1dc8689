// Rows: the result of one statement, read by column in binary format. Views live as long as the Rows.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/ids.h"

struct pg_result;

namespace dromos::db {

class Rows {
 public:
  Rows() = default;
  explicit Rows(pg_result* result) : result_(result) {}
  Rows(Rows&& other) noexcept;
  Rows& operator=(Rows&& other) noexcept;
  ~Rows();

  size_t size() const;
  bool empty() const { return size() == 0; }
  /// Rows touched by INSERT, UPDATE or DELETE.
  int64_t affected() const;

  bool is_null(size_t row, int column) const;
  /// Accepts smallint, integer and bigint columns.
  int64_t integer(size_t row, int column) const;
  bool boolean(size_t row, int column) const;
  double real(size_t row, int column) const;
  std::string_view bytes(size_t row, int column) const;
  std::string text(size_t row, int column) const { return std::string(bytes(row, column)); }
  Uuid uuid(size_t row, int column) const;
  /// Microseconds since 1970 of a timestamptz.
  int64_t time_us(size_t row, int column) const;
  std::vector<int64_t> integers(size_t row, int column) const;
  std::vector<std::string> texts(size_t row, int column) const;  ///< text[] or bytea[]
  std::vector<Uuid> uuids(size_t row, int column) const;
  /// uuid[]
  template <class Id>
  std::vector<Id> ids(size_t row, int column) const {
    std::vector<Id> out;
    for (const Uuid& uuid : uuids(row, column)) out.push_back({uuid});
    return out;
  }
  template <class Id>
  Id id(size_t row, int column) const {
    if constexpr (requires(Id i) { i.value.bytes; })
      return Id{uuid(row, column)};
    else
      return Id{integer(row, column)};
  }
  std::optional<int64_t> maybe_integer(size_t row, int column) const {
    if (is_null(row, column)) return std::nullopt;
    return integer(row, column);
  }
  std::optional<int64_t> maybe_time_us(size_t row, int column) const {
    if (is_null(row, column)) return std::nullopt;
    return time_us(row, column);
  }

 private:
  pg_result* result_ = nullptr;
};

}  // namespace dromos::db
