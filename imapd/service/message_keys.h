// Message keys: what SORT, THREAD and SEARCH of addresses, subjects and sent dates look at, taken once from
// the stored facts: collation keys, folded header text, message ids as hashes. KeyChunk packs those of one
// range of uids; facts never change, so neither does a chunk, but new messages join it.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/mime/facts.h"

namespace dromos::imapd {

enum class KeyText : uint8_t {
  // i;unicode-casemap keys
  subject,  // base subject
  from,
  to,
  cc,
  display_from,
  display_to,
  // values of the fields as SEARCH compares them
  search_subject,
  search_from,
  search_to,
  search_cc,
  count_
};
inline constexpr size_t kKeyTexts = static_cast<size_t>(KeyText::count_);
/// Longer keys are cut; messages with longer field values are not `exact`.
inline constexpr size_t kMaxKeyText = 8192;
inline constexpr size_t kMaxSearchedField = 2048;

struct MessageKeys {
  uint32_t uid = 0;
  bool reply = false;
  bool exact = true;  // the search_ texts are all of those fields
  std::optional<int64_t> sent;
  int32_t zone_minutes = 0;
  uint64_t id = 0;  // 0: none
  std::vector<uint64_t> references;
  std::array<std::string, kKeyTexts> texts;
};

MessageKeys message_keys(uint32_t uid, const mime::FactsKeys& facts);
/// Under a key of this process: nobody can make two ids collide. Never 0.
uint64_t message_id_hash(std::string_view id);

/// Texts are held once a chunk, and a collation key that is a part of a searched text in capitals as that
/// part: addresses repeat, and a key is mostly what was searched for in other letters.
class KeyChunk {
  struct Head {
    uint64_t id;
    uint32_t sent;  // or its place in `far_`
    uint32_t uid;
    uint32_t references;  // end of its references
    int16_t zone;
    bool has_sent : 1;
    bool far : 1;  // a time that 32 bits do not hold
    bool reply : 1;
    bool exact : 1;
  };
  struct Text {
    uint32_t begin = 0;
    uint16_t size = 0;
    bool capitals = false;  // the text is this in ASCII capitals
  };

 public:
  /// Uids that share a chunk.
  static constexpr uint32_t kUids = 1024;
  static uint32_t index_of(uint32_t uid) { return uid / kUids; }

  /// In uid order. `through`: all that came up to this uid is here, or gone.
  static std::shared_ptr<const KeyChunk> make(std::span<const MessageKeys> rows, uint32_t through);
  /// A chunk with more rows behind those of `before` (which may be null).
  static std::shared_ptr<const KeyChunk> extend(const KeyChunk* before, std::span<const MessageKeys> rows,
                                                uint32_t through);

  class Row {
   public:
    uint32_t uid() const { return head().uid; }
    bool reply() const { return head().reply; }
    bool exact() const { return head().exact; }
    std::optional<int64_t> sent() const {
      if (!head().has_sent) return std::nullopt;
      return head().far ? chunk_->far_[head().sent] : int64_t{head().sent};
    }
    int32_t zone_minutes() const { return head().zone; }
    uint64_t id() const { return head().id; }
    std::span<const uint64_t> references() const;
    /// May lie in `scratch`.
    std::string_view text(KeyText which, std::string& scratch) const;

   private:
    friend class KeyChunk;
    Row(const KeyChunk* chunk, size_t at) : chunk_(chunk), at_(at) {}
    const Head& head() const { return chunk_->heads_[at_]; }
    const KeyChunk* chunk_;
    size_t at_;
  };
  size_t size() const { return heads_.size(); }
  Row at(size_t index) const { return {this, index}; }
  std::optional<Row> find(uint32_t uid) const;
  uint32_t through() const { return through_; }
  size_t memory() const;

 private:
  class Builder;
  std::string_view text(Text text, std::string& scratch) const;

  std::vector<Head> heads_;
  std::vector<uint64_t> references_;
  std::vector<uint16_t> codes_;  // kKeyTexts a row: places in texts_
  std::vector<Text> texts_;      // the first is empty
  std::string octets_;
  std::vector<int64_t> far_;
  uint32_t through_ = 0;
};

}  // namespace dromos::imapd
