// Params: arguments of one statement in PostgreSQL's binary format. Text must be valid UTF-8 without NUL
// (clean_utf8); bytes go to bytea. The views given to add_bytes_view must live until the call is sent.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/ids.h"

namespace dromos::db {

class Params {
 public:
  Params& add(int64_t value);
  Params& add_int32(int32_t value);
  Params& add_int16(int16_t value);
  Params& add(bool value);
  Params& add(double value);
  Params& add(std::string_view text);
  Params& add(const char* text) { return add(std::string_view(text)); }
  Params& add(const std::string& text) { return add(std::string_view(text)); }
  Params& add(const Uuid& id);
  template <class Tag>
  Params& add(IntId<Tag> id) {
    return add(id.value);
  }
  template <class Tag>
  Params& add(const UuidId<Tag>& id) {
    return add(id.value);
  }
  Params& add_bytes(std::string_view bytes);
  /// Not copied.
  Params& add_bytes_view(std::string_view bytes);
  /// timestamptz from microseconds since 1970.
  Params& add_time_us(int64_t us);
  Params& add_null();
  template <class T>
  Params& add(const std::optional<T>& value) {
    return value ? add(*value) : add_null();
  }
  /// bigint[], integer[], text[], bytea[], uuid[], boolean[], timestamptz[].
  Params& add_array(std::span<const int64_t> values);
  Params& add_array(std::span<const int32_t> values);
  Params& add_array(std::span<const std::string> values);
  Params& add_bytes_array(std::span<const std::string> values);
  Params& add_bytes_view_array(std::span<const std::string_view> values);
  Params& add_array(std::span<const Uuid> values);
  template <class Tag>
  Params& add_array(const std::vector<UuidId<Tag>>& ids) {
    begin_uuid_array(ids.size());
    for (const auto& id : ids) put_uuid(id.value);
    return end_array();
  }
  template <class Tag>
  Params& add_array(const std::vector<IntId<Tag>>& ids) {
    begin_int8_array(ids.size());
    for (const auto id : ids) put_int8(id.value);
    return end_array();
  }
  Params& add_bool_array(const std::vector<bool>& values);
  Params& add_time_us_array(std::span<const int64_t> values);

  size_t size() const { return items_.size(); }
  /// Sum of the values' lengths: what a pipeline's byte budget counts.
  size_t bytes() const { return bytes_; }
  /// Pointers for libpq; valid while this object is unchanged.
  void fill(std::vector<const char*>& values, std::vector<int>& lengths, std::vector<int>& formats) const;

 private:
  struct Item {
    bool null = false;
    std::string_view view;  // set for views
    size_t at = 0;          // offset in storage_ otherwise
    size_t length = 0;
    bool owned = true;
  };
  char* grow(size_t count);
  void array_header(uint32_t oid, size_t count);
  void begin_array() { start_ = storage_.size(); }
  Params& end_array();
  void begin_int8_array(size_t count);
  void put_int8(int64_t value);
  void begin_uuid_array(size_t count);
  void put_uuid(const Uuid& id);
  void put32(uint32_t value);
  void put64(uint64_t value);

  std::vector<Item> items_;
  std::string storage_;
  size_t bytes_ = 0;
  size_t start_ = 0;
};

}  // namespace dromos::db
