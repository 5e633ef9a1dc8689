#include "imapd/service/header_chunk.h"

#include <algorithm>

#include "common/base/strings.h"
#include "common/store/codec.h"

namespace dromos::imapd {

std::string HeaderChunk::names_of(const std::vector<std::string>& fields) {
  std::vector<std::string> names;
  for (const std::string& field : fields) names.push_back(to_lower(field));
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return join(names, " ");
}

std::shared_ptr<const HeaderChunk> HeaderChunk::make(std::string names, std::span<const Row> rows,
                                                     uint32_t through) {
  auto chunk = std::make_shared<HeaderChunk>();
  std::string plain;
  chunk->ends_.reserve(rows.size());
  for (const Row& row : rows) {
    if (row.fields.size() > kMaxBytes - plain.size()) return nullptr;
    plain += row.fields;
    chunk->ends_.push_back({row.uid, static_cast<uint32_t>(plain.size())});
  }
  chunk->names_ = std::move(names);
  chunk->packed_ = store::pack(plain);
  chunk->packed_.shrink_to_fit();
  chunk->through_ = through;
  return chunk;
}

Result<void> HeaderChunk::each(const std::function<void(const Row&)>& use) const {
  TRY(const std::string plain, store::unpack(store::kCodecZstd, packed_));
  uint32_t begin = 0;
  for (const End& row : ends_) {
    use({row.uid, std::string_view(plain).substr(begin, row.end - begin)});
    begin = row.end;
  }
  return {};
}

size_t HeaderChunk::memory() const {
  return sizeof *this + names_.capacity() + packed_.capacity() + ends_.capacity() * sizeof(End);
}

}  // namespace dromos::imapd
