#include "common/mime/thread_keys.h"

#include <algorithm>

#include "common/base/strings.h"

namespace dromos::mime {
namespace {

// FNV-1a with a final avalanche: part of what is stored, so it stays as it is.
int64_t hash(std::string_view id, std::string_view subject) {
  uint64_t value = 0xcbf29ce484222325;
  const auto add = [&value](unsigned char byte) { value = (value ^ byte) * 0x100000001b3; };
  for (const char c : id) add(static_cast<unsigned char>(c));
  add(0);
  for (const char c : subject) add(static_cast<unsigned char>(c));
  value ^= value >> 33;
  value *= 0xff51afd7ed558ccd;
  value ^= value >> 33;
  return static_cast<int64_t>(value);
}

}  // namespace

std::vector<int64_t> thread_keys(const Facts& facts) {
  const std::string subject = to_lower(facts.base_subject);
  std::vector<int64_t> keys;
  const auto add = [&](std::string_view id) {
    if (id.empty()) return;
    const int64_t key = hash(id, subject);
    if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(key);
  };
  for (auto id = facts.in_reply_to.rbegin(); id != facts.in_reply_to.rend(); ++id) {
    if (keys.size() + 1 >= kMaxThreadKeys) break;
    add(*id);
  }
  for (auto id = facts.references.rbegin(); id != facts.references.rend(); ++id) {
    if (keys.size() + 1 >= kMaxThreadKeys) break;
    add(*id);
  }
  add(facts.message_id);
  return keys;
}

}  // namespace dromos::mime
