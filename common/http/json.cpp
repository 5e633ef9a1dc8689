#include "common/http/json.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "common/http/problem.h"

namespace dromos::http {
namespace {

using nlohmann::json;

/// Builds the value while counting: nlohmann's own builder bounds neither depth nor count, and takes the last
/// of two equal names.
class Builder {
 public:
  explicit Builder(const JsonLimits& limits) : limits_(limits) {}

  bool null() { return put(nullptr); }
  bool boolean(bool value) { return put(value); }
  bool number_integer(json::number_integer_t value) { return put(value); }
  bool number_unsigned(json::number_unsigned_t value) { return put(value); }
  bool number_float(json::number_float_t value, const std::string&) { return put(value); }
  bool string(std::string& value) { return put(std::move(value)); }
  bool binary(json::binary_t&) { return stop("binary value"); }
  bool start_object(size_t) { return open(json::object()); }
  bool start_array(size_t) { return open(json::array()); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }
  bool key(std::string& name) {
    if (!count()) return false;
    json& object = *stack_.back();
    if (object.contains(name)) return stop("name used twice in an object");
    slot_ = &object[name];
    return true;
  }
  bool parse_error(size_t position, const std::string&, const nlohmann::detail::exception& error) {
    offset_ = position;
    std::string_view text =
        error.what();  // "[json.exception.parse_error.101] parse error at line 1, column 2: ..."
    if (const size_t at = text.find(": "); at != std::string_view::npos) text.remove_prefix(at + 2);
    text_ = text;
    return false;
  }

  json take() { return std::move(root_); }
  const std::string& text() const { return text_; }
  size_t offset() const { return offset_; }

 private:
  bool stop(const char* text) {
    text_ = text;
    return false;
  }
  bool count() { return ++values_ <= limits_.values || stop("too many values"); }
  json* place(json value) {
    if (stack_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    if (stack_.back()->is_array()) {
      stack_.back()->push_back(std::move(value));
      return &stack_.back()->back();
    }
    *slot_ = std::move(value);
    return slot_;
  }
  bool put(json value) {
    if (!count()) return false;
    place(std::move(value));
    return true;
  }
  bool open(json value) {
    if (!count()) return false;
    if (stack_.size() >= limits_.depth) return stop("nested too deeply");
    stack_.push_back(place(std::move(value)));
    return true;
  }
  bool close() {
    stack_.pop_back();
    return true;
  }

  const JsonLimits& limits_;
  json root_;
  std::vector<json*> stack_;  // an open container does not move: its parent grows only after it is closed
  json* slot_ = nullptr;
  size_t values_ = 0;
  std::string text_;
  size_t offset_ = 0;
};

/// An input iterator that remembers how far the parser has read.
struct CountingIterator {
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;
  const char* at;
  size_t* read;
  const char& operator*() const { return *at; }
  CountingIterator& operator++() {
    ++at;
    ++*read;
    return *this;
  }
  CountingIterator operator++(int) {
    CountingIterator old = *this;
    ++*this;
    return old;
  }
  bool operator==(const CountingIterator& other) const { return at == other.at; }
  bool operator!=(const CountingIterator& other) const { return at != other.at; }
};

JsonError make_error(std::string_view text, size_t offset, std::string what) {
  JsonError out;
  out.offset = std::min(offset, text.size());
  const std::string_view before = text.substr(0, out.offset);
  out.line = 1 + static_cast<size_t>(std::count(before.begin(), before.end(), '\n'));
  const size_t last = before.rfind('\n');
  out.column = last == std::string_view::npos ? before.size() + 1 : before.size() - last;
  out.text = std::move(what);
  return out;
}

}  // namespace

tl::expected<json, JsonError> parse_json(std::string_view text, const JsonLimits& limits) {
  if (text.size() > limits.bytes) return tl::unexpected(make_error(text, limits.bytes, "document too large"));
  Builder builder(limits);
  size_t read = 0;
  const CountingIterator begin{text.data(), &read};
  const CountingIterator end{text.data() + text.size(), &read};
  if (json::sax_parse(begin, end, &builder)) return builder.take();
  return tl::unexpected(make_error(text, builder.offset() > 0 ? builder.offset() - 1 : read, builder.text()));
}

Response json_response(int status, const json& value) {
  return Response(status, "application/json", value.dump(-1, ' ', false, json::error_handler_t::replace));
}

Response problem(const JsonError& error) {
  return problem(400, "JSON at line " + std::to_string(error.line) + ", column " +
                          std::to_string(error.column) + ": " + error.text);
}

}  // namespace dromos::http
