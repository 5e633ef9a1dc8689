#include "common/directory/recipient_cache.h"

namespace dromos::directory {

namespace {
std::string key(const std::string& local, const std::string& domain) {
  return local + "@" + domain;
}
}  // namespace

void RecipientCache::note_epoch(int64_t epoch) {
  if (epoch <= epoch_) return;
  epoch_ = epoch;
  recipients_.clear();
  domains_.clear();
}

const RecipientResolution* RecipientCache::find(const std::string& local, const std::string& domain,
                                                TimePoint now) {
  const Entry* entry = recipients_.find(key(local, domain));
  return entry != nullptr && now < entry->expires ? &entry->resolution : nullptr;
}

void RecipientCache::put(const std::string& local, const std::string& domain, int64_t epoch,
                         const RecipientResolution& resolution, TimePoint now) {
  note_epoch(epoch);
  if (epoch < epoch_ || !resolution.accepted()) return;
  recipients_[key(local, domain)] = Entry{resolution, now + kTtl};
}

bool RecipientCache::knows_domain(const std::string& domain, TimePoint now) {
  const TimePoint* expires = domains_.find(domain);
  return expires != nullptr && now < *expires;
}

void RecipientCache::put_domain(const std::string& domain, int64_t epoch, TimePoint now) {
  note_epoch(epoch);
  if (epoch == epoch_) domains_[domain] = now + kTtl;
}

}  // namespace dromos::directory
