// KeywordSets: the combinations of keywords that messages of one mailbox carry, each under a small number.
// Grows only; number 0 is the empty set. Thread-safe: what a number or a snapshot of names refers to never
// changes.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace dromos::imapd {

class KeywordSets {
 public:
  using Names = std::shared_ptr<const std::vector<std::string>>;

  /// The highest number that a MessageItem can hold.
  static constexpr uint32_t kMost = (1U << 23) - 1;

  /// Keywords as the store gives them: lower-case, sorted.
  uint32_t intern(const std::vector<std::string>& keywords);
  const std::vector<std::string>& at(uint32_t number) const;
  bool contains(uint32_t number, const std::string& keyword) const;
  /// Every keyword of every set, sorted; known ones of the mailbox that no message has included.
  Names names() const;
  void add_name(const std::string& keyword);
  size_t memory() const;

 private:
  void add_name_locked(const std::string& keyword);

  mutable std::mutex mutex_;
  std::map<std::vector<std::string>, uint32_t> numbers_;
  std::vector<const std::vector<std::string>*> sets_;  // into numbers_, from 1
  Names names_ = std::make_shared<std::vector<std::string>>();
  size_t memory_ = 0;
};

}  // namespace dromos::imapd
