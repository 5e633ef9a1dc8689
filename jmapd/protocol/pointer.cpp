#include "jmapd/protocol/pointer.h"

#include <nlohmann/json.hpp>
#include <span>

#include "common/base/strings.h"

namespace dromos::jmapd {
namespace {

using nlohmann::json;

std::optional<std::string> unescape(std::string_view token) {
  std::string out;
  for (size_t i = 0; i < token.size(); ++i) {
    if (token[i] != '~') {
      out += token[i];
      continue;
    }
    if (i + 1 >= token.size() || (token[i + 1] != '0' && token[i + 1] != '1')) return std::nullopt;
    out += token[++i] == '0' ? '~' : '/';
  }
  return out;
}

class Evaluator {
 public:
  explicit Evaluator(size_t& budget) : budget_(budget) {}

  std::optional<json> at(const json& value, std::span<const std::string> path) {
    if (path.empty()) {
      if (++taken_ > kMaxPointerValues || !afford(value)) return std::nullopt;
      return value;
    }
    const std::string& step = path.front();
    if (value.is_object()) {
      const auto member = value.find(step);
      if (member == value.end()) return std::nullopt;
      return at(*member, path.subspan(1));
    }
    if (!value.is_array()) return std::nullopt;
    if (step == "*") return over(value, path.subspan(1));
    const auto index = parse_number<size_t>(step);
    const bool canonical = index && (step == "0" || step.front() != '0');
    if (!canonical || *index >= value.size()) return std::nullopt;
    return at(value[*index], path.subspan(1));
  }

 private:
  std::optional<json> over(const json& array, std::span<const std::string> rest) {
    json out = json::array();
    for (const json& item : array) {
      auto found = at(item, rest);
      if (!found) return std::nullopt;
      if (!found->is_array()) {
        out.push_back(std::move(*found));
        continue;
      }
      for (json& inner : *found) {
        if (++taken_ > kMaxPointerValues) return std::nullopt;
        out.push_back(std::move(inner));
      }
    }
    return out;
  }

  bool spend(size_t bytes) {
    if (bytes > budget_) return false;
    budget_ -= bytes;
    return true;
  }
  /// Depth is that of parsed requests and of our own answers: bounded.
  bool afford(const json& value) {
    if (!spend(sizeof(json))) return false;
    if (value.is_string()) return spend(value.get_ref<const std::string&>().size());
    if (value.is_object()) {
      for (const auto& item : value.items())
        if (!spend(item.key().size() + 64) || !afford(item.value())) return false;
    } else if (value.is_array()) {
      for (const json& item : value)
        if (!afford(item)) return false;
    }
    return true;
  }

  size_t& budget_;
  size_t taken_ = 0;
};

}  // namespace

std::optional<std::vector<std::string>> split_pointer(std::string_view text, bool leading_slash) {
  std::vector<std::string> tokens;
  if (leading_slash) {
    if (text.empty()) return tokens;
    if (text.front() != '/') return std::nullopt;
    text.remove_prefix(1);
  }
  for (const std::string_view piece : split(text, '/')) {
    auto token = unescape(piece);
    if (!token || tokens.size() >= kMaxPointerTokens) return std::nullopt;
    tokens.push_back(std::move(*token));
  }
  return tokens;
}

std::optional<json> evaluate_pointer(const json& root, std::string_view pointer, size_t& budget) {
  const auto path = split_pointer(pointer);
  if (!path) return std::nullopt;
  return Evaluator(budget).at(root, *path);
}

}  // namespace dromos::jmapd
