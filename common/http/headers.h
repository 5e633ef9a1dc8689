// Header fields of one HTTP message: ordered, names compared without case (RFC 9110 §5.1).
//
// All bytes live in one string, so a message costs two allocations however many fields it has. Views returned
// are valid until the next add(), set() or move of the object. Values are bytes: what came from the network
// was checked by the parser (no CR, LF, NUL); what the program adds is checked here, because a value with a
// line break would split the response.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dromos::http {

class Headers {
 public:
  struct Field {
    std::string_view name;
    std::string_view value;
  };

  /// Appends. Control characters in `value` (save tab) become blanks; `name` must be a token.
  void add(std::string_view name, std::string_view value);
  /// Replaces all fields of that name by one.
  void set(std::string_view name, std::string_view value);
  void remove(std::string_view name);
  void clear();
  void reserve(size_t bytes, size_t fields);

  /// The first field of that name.
  std::optional<std::string_view> get(std::string_view name) const;
  /// As get(), empty when absent.
  std::string_view value(std::string_view name) const { return get(name).value_or(std::string_view{}); }
  bool has(std::string_view name) const { return get(name).has_value(); }
  size_t count(std::string_view name) const;
  /// True if a comma-separated list field (`Connection`, `Accept-Encoding`) holds `token`, without case.
  bool list_has(std::string_view name, std::string_view token) const;

  size_t size() const { return entries_.size(); }
  Field at(size_t index) const;

 private:
  struct Entry {
    uint32_t name, name_size, value, value_size;
  };
  std::string bytes_;
  std::vector<Entry> entries_;
};

/// RFC 9110 §5.6.2.
bool is_token(std::string_view text);

}  // namespace dromos::http
