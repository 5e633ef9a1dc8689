#include "admind/ctl/show.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

namespace dromos::admind::ctl {

namespace {

using nlohmann::json;
constexpr size_t kMaxCell = 60;

// Code points, near enough to columns for a table.
size_t width(const std::string& text) {
  return static_cast<size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

// What a stranger wrote (an SMTP reply, a display name) must not steer the terminal.
std::string printable(std::string text) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  return text;
}

std::string cell(const json& value) {
  if (value.is_null()) return "-";
  if (value.is_string()) return printable(value.get<std::string>());
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  if (value.is_array() || value.is_object()) {
    std::string out;
    for (const auto& item : value.items()) {
      const std::string key = value.is_object() ? item.key() + "=" : "";
      out += (out.empty() ? "" : value.is_object() ? " " : ", ") + key + cell(item.value());
    }
    return out;
  }
  return value.dump();
}

std::string shortened(std::string text) {
  if (width(text) <= kMaxCell) return text;
  size_t end = kMaxCell;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end) + "…";
}

}  // namespace

std::string table(const json& items) {
  if (items.empty()) return "(none)\n";
  std::vector<std::string> names;
  for (const auto& item : items)
    for (const auto& member : item.items())
      if (std::find(names.begin(), names.end(), member.key()) == names.end()) names.push_back(member.key());
  // What names a thing comes first.
  for (const char* first : {"row", "at", "name", "address", "id"}) {
    const auto found = std::find(names.begin(), names.end(), first);
    if (found != names.end()) std::rotate(names.begin(), found, found + 1);
  }
  std::vector<std::vector<std::string>> rows = {names};
  for (const auto& item : items) {
    std::vector<std::string> row;
    for (const auto& name : names) row.push_back(item.contains(name) ? shortened(cell(item[name])) : "");
    rows.push_back(std::move(row));
  }
  std::vector<size_t> widths(names.size(), 0);
  for (const auto& row : rows)
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
  std::string out;
  for (const auto& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) line += row[i] + std::string(widths[i] - width(row[i]) + 2, ' ');
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

std::string sheet(const json& object) {
  std::string out, lists;
  size_t longest = 0;
  for (const auto& member : object.items()) longest = std::max(longest, member.key().size());
  for (const auto& member : object.items()) {
    const json& value = member.value();
    if (value.is_array() && !value.empty() && value[0].is_object())
      lists += "\n" + table(value);
    else
      out += member.key() + std::string(longest - member.key().size() + 2, ' ') + cell(value) + "\n";
  }
  return out + lists;
}

std::string problem_text(const json& problem) {
  auto word = [&](const char* name) { return problem.contains(name) ? cell(problem[name]) : std::string(); };
  std::string out = word("detail");
  if (problem.contains("errors"))
    for (const auto& place : problem["errors"])
      out += "\n  " + cell(place["pointer"]) + ": " + cell(place["detail"]);
  if (const auto hint = word("hint"); !hint.empty()) out += "\n  " + hint;
  return out + "\n  (" + word("title") + ", " + word("instance") + ")";
}

}  // namespace dromos::admind::ctl
