#include "common/db/params.h"

#include <bit>
#include <cstring>

namespace dromos::db {
namespace {

// Type OIDs of pg_type that never change.
constexpr uint32_t kBool = 16, kBytea = 17, kInt8 = 20, kInt4 = 23, kText = 25, kTimestamptz = 1184,
                   kUuid = 2950;
constexpr int64_t kPostgresEpochUs = 946684800LL * 1000000;

}  // namespace

char* Params::grow(size_t count) {
  const size_t at = storage_.size();
  storage_.resize(at + count);
  return storage_.data() + at;
}

void Params::put32(uint32_t value) {
  char* p = grow(4);
  for (int i = 0; i < 4; ++i) p[i] = static_cast<char>(value >> (24 - 8 * i));
}

void Params::put64(uint64_t value) {
  char* p = grow(8);
  for (int i = 0; i < 8; ++i) p[i] = static_cast<char>(value >> (56 - 8 * i));
}

Params& Params::end_array() {
  items_.push_back({false, {}, start_, storage_.size() - start_, true});
  bytes_ += storage_.size() - start_;
  return *this;
}

Params& Params::add(int64_t value) {
  begin_array();
  put64(static_cast<uint64_t>(value));
  return end_array();
}

Params& Params::add_int32(int32_t value) {
  begin_array();
  put32(static_cast<uint32_t>(value));
  return end_array();
}

Params& Params::add_int16(int16_t value) {
  begin_array();
  char* p = grow(2);
  p[0] = static_cast<char>(static_cast<uint16_t>(value) >> 8);
  p[1] = static_cast<char>(value);
  return end_array();
}

Params& Params::add(bool value) {
  begin_array();
  *grow(1) = value ? 1 : 0;
  return end_array();
}

Params& Params::add(double value) {
  return add(static_cast<int64_t>(std::bit_cast<uint64_t>(value)));
}

Params& Params::add(std::string_view text) {
  return add_bytes(text);
}

Params& Params::add(const Uuid& id) {
  return add_bytes({reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()});
}

Params& Params::add_bytes(std::string_view bytes) {
  begin_array();
  storage_.append(bytes);
  return end_array();
}

Params& Params::add_bytes_view(std::string_view bytes) {
  items_.push_back({false, bytes, 0, bytes.size(), false});
  bytes_ += bytes.size();
  return *this;
}

Params& Params::add_time_us(int64_t us) {
  return add(us - kPostgresEpochUs);
}

Params& Params::add_null() {
  items_.push_back({true, {}, 0, 0, true});
  return *this;
}

void Params::array_header(uint32_t oid, size_t count) {
  put32(count > 0 ? 1 : 0);
  put32(0);
  put32(oid);
  if (count == 0) return;
  put32(static_cast<uint32_t>(count));
  put32(1);
}

void Params::begin_int8_array(size_t count) {
  begin_array();
  array_header(kInt8, count);
}

void Params::put_int8(int64_t value) {
  put32(8);
  put64(static_cast<uint64_t>(value));
}

Params& Params::add_array(std::span<const int64_t> values) {
  begin_int8_array(values.size());
  for (const int64_t v : values) put_int8(v);
  return end_array();
}

Params& Params::add_array(std::span<const int32_t> values) {
  begin_array();
  array_header(kInt4, values.size());
  for (const int32_t v : values) {
    put32(4);
    put32(static_cast<uint32_t>(v));
  }
  return end_array();
}

Params& Params::add_array(std::span<const std::string> values) {
  begin_array();
  array_header(kText, values.size());
  for (const auto& v : values) {
    put32(static_cast<uint32_t>(v.size()));
    storage_.append(v);
  }
  return end_array();
}

Params& Params::add_bytes_array(std::span<const std::string> values) {
  begin_array();
  array_header(kBytea, values.size());
  for (const auto& v : values) {
    put32(static_cast<uint32_t>(v.size()));
    storage_.append(v);
  }
  return end_array();
}

Params& Params::add_bytes_view_array(std::span<const std::string_view> values) {
  begin_array();
  array_header(kBytea, values.size());
  for (const auto v : values) {
    put32(static_cast<uint32_t>(v.size()));
    storage_.append(v);
  }
  return end_array();
}

void Params::begin_uuid_array(size_t count) {
  begin_array();
  array_header(kUuid, count);
}

void Params::put_uuid(const Uuid& id) {
  put32(16);
  std::memcpy(grow(16), id.bytes.data(), 16);
}

Params& Params::add_array(std::span<const Uuid> values) {
  begin_uuid_array(values.size());
  for (const Uuid& v : values) put_uuid(v);
  return end_array();
}

Params& Params::add_bool_array(const std::vector<bool>& values) {
  begin_array();
  array_header(kBool, values.size());
  for (const bool v : values) {
    put32(1);
    *grow(1) = v ? 1 : 0;
  }
  return end_array();
}

Params& Params::add_time_us_array(std::span<const int64_t> values) {
  begin_array();
  array_header(kTimestamptz, values.size());
  for (const int64_t v : values) {
    put32(8);
    put64(static_cast<uint64_t>(v - kPostgresEpochUs));
  }
  return end_array();
}

void Params::fill(std::vector<const char*>& values, std::vector<int>& lengths,
                  std::vector<int>& formats) const {
  values.clear();
  lengths.clear();
  formats.assign(items_.size(), 1);
  for (const Item& item : items_) {
    // libpq takes a null pointer for SQL NULL, so an empty value needs an address.
    const char* data = item.owned ? storage_.data() + item.at : item.view.data();
    values.push_back(item.null ? nullptr : data != nullptr ? data : "");
    lengths.push_back(static_cast<int>(item.length));
  }
}

}  // namespace dromos::db
