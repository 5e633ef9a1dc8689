#include "common/db/rows.h"

#include <libpq-fe.h>

#include <bit>
#include <cstring>
#include <utility>

#include "common/base/assert.h"
#include "common/base/strings.h"

namespace dromos::db {
namespace {

constexpr int64_t kPostgresEpochUs = 946684800LL * 1000000;

uint64_t big_endian(std::string_view bytes) {
  uint64_t value = 0;
  for (const unsigned char c : bytes) value = value << 8 | c;
  return value;
}

int64_t signed_integer(std::string_view bytes) {
  switch (bytes.size()) {
    case 1:
      return static_cast<int8_t>(bytes[0]);
    case 2:
      return static_cast<int16_t>(big_endian(bytes));
    case 4:
      return static_cast<int32_t>(big_endian(bytes));
    case 8:
      return static_cast<int64_t>(big_endian(bytes));
    default:
      DROMOS_ASSERT(false);
      return 0;
  }
}

// Elements of a one-dimensional array in binary form; SQL NULLs come out empty.
std::vector<std::string_view> elements(std::string_view bytes) {
  std::vector<std::string_view> out;
  const auto take = [&](size_t n) {
    DROMOS_ASSERT(bytes.size() >= n);
    const auto piece = bytes.substr(0, n);
    bytes.remove_prefix(n);
    return piece;
  };
  const auto dimensions = big_endian(take(4));
  take(8);
  if (dimensions == 0) return out;
  const auto count = big_endian(take(4));
  take(4);
  out.reserve(count);
  for (uint64_t i = 0; i < count; ++i) {
    const auto length = static_cast<int32_t>(big_endian(take(4)));
    out.push_back(length < 0 ? std::string_view() : take(static_cast<size_t>(length)));
  }
  return out;
}

}  // namespace

Rows::Rows(Rows&& other) noexcept : result_(std::exchange(other.result_, nullptr)) {}
Rows& Rows::operator=(Rows&& other) noexcept {
  std::swap(result_, other.result_);
  return *this;
}
Rows::~Rows() {
  PQclear(result_);
}

size_t Rows::size() const {
  return static_cast<size_t>(PQntuples(result_));
}

int64_t Rows::affected() const {
  return parse_number<int64_t>(PQcmdTuples(result_)).value_or(0);
}

bool Rows::is_null(size_t row, int column) const {
  return PQgetisnull(result_, static_cast<int>(row), column) == 1;
}

std::string_view Rows::bytes(size_t row, int column) const {
  DROMOS_ASSERT(row < size() && column < PQnfields(result_));
  return {PQgetvalue(result_, static_cast<int>(row), column),
          static_cast<size_t>(PQgetlength(result_, static_cast<int>(row), column))};
}

int64_t Rows::integer(size_t row, int column) const {
  return signed_integer(bytes(row, column));
}
bool Rows::boolean(size_t row, int column) const {
  return bytes(row, column) == std::string_view("\1", 1);
}
double Rows::real(size_t row, int column) const {
  const auto raw = bytes(row, column);
  if (raw.size() == 4) return std::bit_cast<float>(static_cast<uint32_t>(big_endian(raw)));
  return std::bit_cast<double>(big_endian(raw));
}

Uuid Rows::uuid(size_t row, int column) const {
  const auto raw = bytes(row, column);
  DROMOS_ASSERT(raw.size() == 16);
  Uuid id;
  std::memcpy(id.bytes.data(), raw.data(), 16);
  return id;
}

int64_t Rows::time_us(size_t row, int column) const {
  return integer(row, column) + kPostgresEpochUs;
}

std::vector<int64_t> Rows::integers(size_t row, int column) const {
  std::vector<int64_t> out;
  for (const auto element : elements(bytes(row, column))) out.push_back(signed_integer(element));
  return out;
}

std::vector<std::string> Rows::texts(size_t row, int column) const {
  std::vector<std::string> out;
  for (const auto element : elements(bytes(row, column))) out.emplace_back(element);
  return out;
}

std::vector<Uuid> Rows::uuids(size_t row, int column) const {
  std::vector<Uuid> out;
  for (const auto element : elements(bytes(row, column))) {
    DROMOS_ASSERT(element.size() == 16);
    std::memcpy(out.emplace_back().bytes.data(), element.data(), 16);
  }
  return out;
}

}  // namespace dromos::db
