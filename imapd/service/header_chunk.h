// HeaderChunk: the header fields that a FETCH named, of the messages of one range of uids, as FETCH gives
// them (mime::filter_fields), packed. Clients ask for the same fields again and again. Pure; immutable.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace dromos::imapd {

class HeaderChunk {
 public:
  /// Uids that share a chunk.
  static constexpr uint32_t kUids = 1024;
  /// What is longer than this is not kept.
  static constexpr size_t kMaxBytes = 4 * 1024 * 1024;
  static uint32_t index_of(uint32_t uid) { return uid / kUids; }
  /// Names of fields in a form that is the same for the same fields.
  static std::string names_of(const std::vector<std::string>& fields);

  struct Row {
    uint32_t uid = 0;
    std::string_view fields;
  };
  /// Null if it would be too large. `rows` in uid order; who lacks one below `through` is gone, or has a
  /// header that is too long.
  static std::shared_ptr<const HeaderChunk> make(std::string names, std::span<const Row> rows,
                                                 uint32_t through);

  const std::string& names() const { return names_; }
  /// In uid order; the views live until the call returns.
  Result<void> each(const std::function<void(const Row&)>& use) const;
  uint32_t through() const { return through_; }
  size_t memory() const;

 private:
  struct End {
    uint32_t uid = 0;
    uint32_t end = 0;  // of its fields, unpacked
  };
  std::string names_;
  std::vector<End> ends_;
  std::string packed_;
  uint32_t through_ = 0;
};

}  // namespace dromos::imapd
