#include "common/http/headers.h"

#include <algorithm>

#include "common/base/assert.h"
#include "common/base/strings.h"

namespace dromos::http {
namespace {

bool is_token_char(char c) {
  return is_alpha(c) || is_digit(c) ||
         (c != 0 && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos);
}

}  // namespace

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_char);
}

void Headers::add(std::string_view name, std::string_view value) {
  DROMOS_ASSERT(is_token(name));
  const auto at = static_cast<uint32_t>(bytes_.size());
  const auto name_size = static_cast<uint32_t>(name.size());
  bytes_ += name;
  bytes_ += value;
  for (auto c = bytes_.begin() + at + name_size; c != bytes_.end(); ++c)
    if ((static_cast<unsigned char>(*c) < 0x20 && *c != '\t') || *c == 0x7f) *c = ' ';
  entries_.push_back({at, name_size, at + name_size, static_cast<uint32_t>(value.size())});
}

void Headers::set(std::string_view name, std::string_view value) {
  remove(name);
  add(name, value);
}

void Headers::remove(std::string_view name) {
  std::erase_if(entries_, [&](const Entry& e) {
    return iequals(std::string_view(bytes_).substr(e.name, e.name_size), name);
  });
}

void Headers::clear() {
  bytes_.clear();
  entries_.clear();
}

void Headers::reserve(size_t bytes, size_t fields) {
  bytes_.reserve(bytes);
  entries_.reserve(fields);
}

Headers::Field Headers::at(size_t index) const {
  const Entry& e = entries_[index];
  const std::string_view bytes = bytes_;
  return {bytes.substr(e.name, e.name_size), bytes.substr(e.value, e.value_size)};
}

std::optional<std::string_view> Headers::get(std::string_view name) const {
  for (size_t i = 0; i < entries_.size(); ++i)
    if (entries_[i].name_size == name.size() && iequals(at(i).name, name)) return at(i).value;
  return std::nullopt;
}

size_t Headers::count(std::string_view name) const {
  size_t n = 0;
  for (size_t i = 0; i < entries_.size(); ++i) n += iequals(at(i).name, name) ? 1 : 0;
  return n;
}

bool Headers::list_has(std::string_view name, std::string_view token) const {
  for (size_t i = 0; i < entries_.size(); ++i) {
    if (!iequals(at(i).name, name)) continue;
    for (const std::string_view piece : split(at(i).value, ','))
      if (iequals(trim(piece), token)) return true;
  }
  return false;
}

}  // namespace dromos::http
