// What resolve and domain_is_local answered, for a few seconds: the MTA asks far more often than answers
// change. Only positive answers are kept. All entries belong to one config epoch; a newer one empties the
// cache. Not thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/base/clock.h"
#include "common/directory/lru_map.h"
#include "common/directory/types.h"

namespace dromos::directory {

class RecipientCache {
 public:
  using TimePoint = Deadline::TimePoint;
  static constexpr size_t kMaxRecipients = 16384;
  static constexpr size_t kMaxDomains = 1024;
  /// How long an answer may outlive a change whose hint was lost.
  static constexpr seconds kTtl{5};

  RecipientCache() : recipients_(kMaxRecipients), domains_(kMaxDomains) {}

  void note_epoch(int64_t epoch);
  const RecipientResolution* find(const std::string& local, const std::string& domain, TimePoint now);
  /// Ignored if `epoch` is older than the newest known, or nothing was accepted.
  void put(const std::string& local, const std::string& domain, int64_t epoch,
           const RecipientResolution& resolution, TimePoint now);
  bool knows_domain(const std::string& domain, TimePoint now);
  void put_domain(const std::string& domain, int64_t epoch, TimePoint now);
  size_t size() const { return recipients_.size(); }

 private:
  struct Entry {
    RecipientResolution resolution;
    TimePoint expires;
  };
  int64_t epoch_ = 0;
  LruMap<std::string, Entry> recipients_;
  LruMap<std::string, TimePoint> domains_;
};

}  // namespace dromos::directory
