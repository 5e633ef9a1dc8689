#include "admind/api/bind.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/base/strings.h"

namespace dromos::admind {

namespace {

using nlohmann::json;

std::string words_of(const std::vector<std::string>& words) {
  return join(words, ", ");
}

std::string names_of(const std::vector<Field>& fields) {
  std::vector<std::string> names;
  for (const auto& field : fields) names.push_back(field.name);
  return names.empty() ? "nothing" : words_of(names);
}

const Field* find(const std::vector<Field>& fields, std::string_view name) {
  const auto found =
      std::find_if(fields.begin(), fields.end(), [&](const Field& f) { return f.name == name; });
  return found == fields.end() ? nullptr : &*found;
}

std::string kind_name(const Field& field) {
  switch (field.kind) {
    case Kind::text:
      return "a string";
    case Kind::integer:
      return "an integer";
    case Kind::boolean:
      return "true or false";
    case Kind::time:
      return "a time such as 2026-11-22T03:04:05Z";
    case Kind::texts:
      return "an array of strings";
    case Kind::object:
      return "an object";
    case Kind::objects:
      return "an array of objects";
    case Kind::any:
      break;
  }
  return "a value";
}

bool has_control(const std::string& text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

// What is wrong with a string; empty: nothing.
std::string text_fault(const std::string& value, const Field& field) {
  if (!field.allowed.empty() &&
      std::find(field.allowed.begin(), field.allowed.end(), value) == field.allowed.end())
    return "\"" + clean_utf8(value.substr(0, 60)) + "\" is not one of: " + words_of(field.allowed);
  if (has_control(value)) return "control characters are not allowed";
  return "";
}

std::string length_fault(const std::string& value, const Field& field) {
  const auto size = static_cast<int64_t>(value.size());
  if (size < field.min)
    return size == 0 ? "must not be empty" : "is shorter than " + std::to_string(field.min) + " bytes";
  if (size > field.max) return "is longer than " + std::to_string(field.max) + " bytes";
  return "";
}

std::string integer_fault(const json& value, const Field& field) {
  // Unsigned first: a number beyond int64 must not wrap.
  const bool too_large =
      value.is_number_unsigned() && value.get<uint64_t>() > static_cast<uint64_t>(field.max);
  if (too_large || value.get<int64_t>() < field.min || value.get<int64_t>() > field.max)
    return "must be between " + std::to_string(field.min) + " and " + std::to_string(field.max);
  return "";
}

std::string texts_fault(const json& value, const Field& field) {
  const auto count = static_cast<int64_t>(value.size());
  if (count < field.min || count > field.max)
    return "must have between " + std::to_string(field.min) + " and " + std::to_string(field.max) + " items";
  for (const auto& item : value) {
    if (!item.is_string()) return "must be an array of strings";
    const auto& item_text = item.get_ref<const std::string&>();
    if (static_cast<int64_t>(item_text.size()) > kMaxText) return "has an item that is too long";
    if (auto fault = text_fault(item_text, field); !fault.empty()) return fault;
  }
  return "";
}

// Checks one value and puts it into its final form.
std::string value_fault(json& value, const Field& field) {
  if (value.is_null() && field.nullable) return "";
  const std::string expected = "must be " + kind_name(field);
  switch (field.kind) {
    case Kind::text: {
      if (!value.is_string()) return expected;
      const auto& content = value.get_ref<const std::string&>();
      auto fault = text_fault(content, field);
      return fault.empty() ? length_fault(content, field) : fault;
    }
    case Kind::integer:
      return value.is_number_integer() ? integer_fault(value, field) : expected;
    case Kind::boolean:
      return value.is_boolean() ? "" : expected;
    case Kind::time: {
      int64_t us = 0;
      if (!value.is_string() || !parse_rfc3339(value.get_ref<const std::string&>(), us)) return expected;
      value = us;
      return "";
    }
    case Kind::texts:
      return value.is_array() ? texts_fault(value, field) : expected;
    case Kind::object:
      return value.is_object() ? "" : expected;
    case Kind::objects:
      return value.is_array() ? "" : expected;
    case Kind::any:
      return "";
  }
  return "";
}

bool number_at(std::string_view text, size_t at, size_t digits, int& out) {
  if (at + digits > text.size()) return false;
  const auto number = parse_number<unsigned>(text.substr(at, digits));
  if (!number) return false;
  out = static_cast<int>(*number);
  return true;
}

// Days since 1970-01-01 of a date of the Gregorian calendar, whose year begins in March here.
int64_t days_of(int year, int month, int day) {
  const int y = month <= 2 ? year - 1 : year;
  const int m = month <= 2 ? month + 9 : month - 3;
  const int64_t era_days = int64_t{365} * y + y / 4 - y / 100 + y / 400;
  return era_days + (153 * m + 2) / 5 + day - 1 - 719468;
}

bool is_date(int year, int month, int day) {
  static constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (year < 1970 || month < 1 || month > 12 || day < 1) return false;
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return day <= kDays[month - 1] + (month == 2 && leap ? 1 : 0);
}

// "Z" or "+01:30" at `rest`: minutes east of UTC.
bool parse_offset(std::string_view rest, int& minutes) {
  if (rest == "Z" || rest == "z") return minutes = 0, true;
  int h = 0, m = 0;
  if (rest.size() != 6 || (rest[0] != '+' && rest[0] != '-') || rest[3] != ':') return false;
  if (!number_at(rest, 1, 2, h) || !number_at(rest, 4, 2, m) || h > 23 || m > 59) return false;
  minutes = (rest[0] == '-' ? -1 : 1) * (h * 60 + m);
  return true;
}

}  // namespace

bool parse_rfc3339(std::string_view in, int64_t& us) {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, offset = 0;
  if (in.size() < 20 || in.size() > 40 || in[4] != '-' || in[7] != '-' || ascii_upper(in[10]) != 'T' ||
      in[13] != ':' || in[16] != ':')
    return false;
  if (!number_at(in, 0, 4, year) || !number_at(in, 5, 2, month) || !number_at(in, 8, 2, day) ||
      !number_at(in, 11, 2, hour) || !number_at(in, 14, 2, minute) || !number_at(in, 17, 2, second))
    return false;
  if (!is_date(year, month, day) || hour > 23 || minute > 59 || second > 60) return false;
  size_t at = 19;
  int64_t fraction = 0;
  if (in[at] == '.') {
    int64_t unit = 100'000;
    for (++at; at < in.size() && is_digit(in[at]); ++at, unit /= 10) fraction += (in[at] - '0') * unit;
  }
  if (!parse_offset(in.substr(at), offset)) return false;
  const int64_t total = days_of(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - offset * 60;
  us = total * 1'000'000 + fraction;
  return true;
}

std::vector<Fault> check_body(json& body, const std::vector<Field>& fields) {
  std::vector<Fault> faults;
  if (!body.is_object()) return {{"", "the body must be a JSON object with: " + names_of(fields)}};
  for (auto item = body.begin(); item != body.end() && faults.size() < kMaxFaults; ++item) {
    const Field* field = find(fields, item.key());
    const std::string pointer = "/" + clean_utf8(item.key().substr(0, 100));
    if (field == nullptr) {
      faults.push_back({pointer, "unknown member; allowed here: " + names_of(fields)});
    } else if (auto fault = value_fault(item.value(), *field); !fault.empty()) {
      faults.push_back({pointer, std::move(fault)});
    }
  }
  for (const auto& field : fields)
    if (field.required && !body.contains(field.name) && faults.size() < kMaxFaults)
      faults.push_back({"/" + field.name, "is missing: " + field.about});
  return faults;
}

std::vector<Fault> check_query(const std::vector<std::pair<std::string, std::string>>& query,
                               const std::vector<Field>& fields, json& out) {
  std::vector<Fault> faults;
  out = json::object();
  for (const auto& [name, given] : query) {
    if (faults.size() == kMaxFaults) break;
    const Field* field = find(fields, name);
    const std::string place = "?" + name.substr(0, 100);
    if (field == nullptr) {
      faults.push_back({place, "unknown parameter; allowed here: " + names_of(fields)});
      continue;
    }
    if (out.contains(name)) {
      faults.push_back({place, "is given twice"});
      continue;
    }
    json value = given;
    if (field->kind == Kind::integer) {
      if (const auto number = parse_number<int64_t>(given)) value = *number;
    } else if (field->kind == Kind::boolean && (given == "true" || given == "false")) {
      value = given == "true";
    }
    if (auto fault = value_fault(value, *field); !fault.empty())
      faults.push_back({place, std::move(fault)});
    else
      out[name] = std::move(value);
  }
  for (const auto& field : fields)
    if (field.required && faults.size() < kMaxFaults && !out.contains(field.name))
      if (std::none_of(query.begin(), query.end(),
                       [&](const auto& pair) { return pair.first == field.name; }))
        faults.push_back({"?" + field.name, "is missing: " + field.about});
  return faults;
}

}  // namespace dromos::admind
