#include "common/mime/header.h"

#include <algorithm>
#include <cstring>

#include "common/base/strings.h"

namespace dromos::mime {

std::optional<Field> FieldReader::next() {
  if (at_ >= header_.size()) return std::nullopt;
  const char* const base = header_.data();
  const size_t begin = at_;
  const char first = header_[begin];
  if (first == '\n' || (first == '\r' && begin + 1 < header_.size() && header_[begin + 1] == '\n')) {
    at_ = begin + (first == '\r' ? 2 : 1);
    header_ = header_.substr(0, at_);
    return std::nullopt;
  }
  size_t end = begin;
  while (true) {
    const auto* lf = static_cast<const char*>(std::memchr(base + end, '\n', header_.size() - end));
    if (lf == nullptr) {
      end = header_.size();
      break;
    }
    end = static_cast<size_t>(lf - base) + 1;
    if (end >= header_.size() || (base[end] != ' ' && base[end] != '\t')) break;
  }
  at_ = end;
  Field field;
  field.offset = begin;
  field.length = end - begin;
  std::string_view whole = header_.substr(begin, end - begin);
  if (whole.ends_with('\n')) whole.remove_suffix(1);
  if (whole.ends_with('\r')) whole.remove_suffix(1);
  const size_t line_end = whole.find('\n');
  const size_t colon = whole.substr(0, line_end).find(':');
  std::string_view name = whole.substr(0, colon == std::string_view::npos ? line_end : colon);
  while (!name.empty() && is_space(name.back())) name.remove_suffix(1);
  field.name = name;
  if (colon != std::string_view::npos) {
    field.text = field.value = whole.substr(colon + 1);
    while (!field.value.empty() && is_space(field.value.front())) field.value.remove_prefix(1);
  }
  return field;
}

std::optional<Field> find_field(std::string_view header, std::string_view name) {
  FieldReader reader(header);
  while (auto field = reader.next())
    if (iequals(field->name, name)) return field;
  return std::nullopt;
}

std::optional<Field> find_last_field(std::string_view header, std::string_view name) {
  std::optional<Field> found;
  FieldReader reader(header);
  while (auto field = reader.next())
    if (iequals(field->name, name)) found = field;
  return found;
}

std::string unfold(std::string_view value) {
  value = trim(value);
  std::string out;
  out.reserve(value.size());
  for (size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    if (c == '\r' && i + 1 < value.size() && value[i + 1] == '\n') continue;
    if (c != '\n') {
      out += c;
      continue;
    }
    while (!out.empty() && is_space(out.back())) out.pop_back();
    while (i + 1 < value.size() && is_space(value[i + 1])) ++i;
    out += ' ';
  }
  return out;
}

std::string unfold_exactly(const Field& field) {
  std::string_view text = field.text;
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const bool breaks = text[i] == '\n' || (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n');
    if (!breaks) out += text[i];
  }
  return out;
}

std::string strip_comments(std::string_view value) {
  std::string out;
  size_t depth = 0;
  bool quoted = false;
  for (size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    if (c == '\\' && i + 1 < value.size()) {
      if (depth == 0) out.append(value.substr(i, 2));
      ++i;
    } else if (quoted || (c == '"' && depth == 0)) {
      if (c == '"') quoted = !quoted;
      out += c;
    } else if (c == '(') {
      ++depth;
    } else if (c == ')' && depth > 0) {
      --depth;
    } else if (depth == 0) {
      out += c;
    }
  }
  return std::string(trim(out));
}

std::vector<std::string> parse_message_ids(std::string_view value, bool bare_ok) {
  std::vector<std::string> ids;
  size_t i = 0;
  while (true) {
    const size_t open = value.find('<', i);
    if (open == std::string_view::npos) break;
    const size_t stop = value.find_first_of("<>", open + 1);
    if (stop == std::string_view::npos) break;
    i = stop;
    if (value[stop] == '<') continue;
    ++i;
    std::string id;
    for (const char c : value.substr(open + 1, stop - open - 1))
      if (!is_space(c) && c != '\0') id += c;
    if (!id.empty()) ids.push_back(std::move(id));
  }
  if (ids.empty() && bare_ok) {
    const std::string_view text = trim(value);
    if (!text.empty() && std::none_of(text.begin(), text.end(), is_space)) ids.emplace_back(text);
  }
  if (ids.size() > kMaxMessageIds)
    ids.erase(ids.begin(), ids.end() - static_cast<std::ptrdiff_t>(kMaxMessageIds));
  return ids;
}

}  // namespace dromos::mime
