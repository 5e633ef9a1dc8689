#include "imapd/service/keyword_sets.h"

#include <algorithm>

namespace dromos::imapd {

uint32_t KeywordSets::intern(const std::vector<std::string>& keywords) {
  if (keywords.empty()) return 0;
  const auto [at, fresh] = numbers_.try_emplace(keywords, static_cast<uint32_t>(sets_.size() + 1));
  if (fresh) {
    sets_.push_back(&at->first);
    memory_ += 96 + 48 * keywords.size();
    for (const std::string& keyword : keywords) add_name(keyword);
  }
  return at->second;
}

const std::vector<std::string>& KeywordSets::at(uint32_t number) const {
  static const std::vector<std::string> none;
  return number == 0 ? none : *sets_[number - 1];
}

bool KeywordSets::contains(uint32_t number, const std::string& keyword) const {
  const auto& set = at(number);
  return std::binary_search(set.begin(), set.end(), keyword);
}

void KeywordSets::add_name(const std::string& keyword) {
  const auto place = std::lower_bound(names_.begin(), names_.end(), keyword);
  if (place != names_.end() && *place == keyword) return;
  memory_ += 32 + keyword.size();
  names_.insert(place, keyword);
}

}  // namespace dromos::imapd
