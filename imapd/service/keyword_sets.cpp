#include "imapd/service/keyword_sets.h"

#include <algorithm>

namespace dromos::imapd {

uint32_t KeywordSets::intern(const std::vector<std::string>& keywords) {
  if (keywords.empty()) return 0;
  const std::lock_guard lock(mutex_);
  const auto [at, fresh] = numbers_.try_emplace(keywords, static_cast<uint32_t>(sets_.size() + 1));
  if (fresh) {
    sets_.push_back(&at->first);
    memory_ += 96 + 48 * keywords.size();
    for (const std::string& keyword : keywords) add_name_locked(keyword);
  }
  return at->second & kMost;
}

const std::vector<std::string>& KeywordSets::at(uint32_t number) const {
  static const std::vector<std::string> none;
  if (number == 0) return none;
  const std::lock_guard lock(mutex_);
  return *sets_[number - 1];
}

bool KeywordSets::contains(uint32_t number, const std::string& keyword) const {
  const auto& set = at(number);
  return std::binary_search(set.begin(), set.end(), keyword);
}

KeywordSets::Names KeywordSets::names() const {
  const std::lock_guard lock(mutex_);
  return names_;
}

void KeywordSets::add_name(const std::string& keyword) {
  const std::lock_guard lock(mutex_);
  add_name_locked(keyword);
}

void KeywordSets::add_name_locked(const std::string& keyword) {
  const auto place = std::lower_bound(names_->begin(), names_->end(), keyword);
  if (place != names_->end() && *place == keyword) return;
  memory_ += 32 + keyword.size();
  auto next = std::make_shared<std::vector<std::string>>(names_->begin(), place);
  next->push_back(keyword);
  next->insert(next->end(), place, names_->end());
  names_ = std::move(next);
}

size_t KeywordSets::memory() const {
  const std::lock_guard lock(mutex_);
  return memory_;
}

}  // namespace dromos::imapd
