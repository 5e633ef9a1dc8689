// A compressed layer: what the peer sends is unpacked within bounds however it is cut and whatever room there
// is, with the same result; what is packed comes back.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "common/net/deflate.h"

namespace {

using dromos::net::Deflate;

constexpr size_t kMost = 1 << 20;  // of a bomb that much is looked at

struct Unpacked {
  std::string plain;
  bool broken = false;  // no DEFLATE; how much came before that is seen depends on the room
};

/// What `cut` octets at a time and `room` at once give.
Unpacked unpacked(std::string_view packed, size_t cut, size_t room, bool naps) {
  Deflate layer;
  Unpacked out;
  std::string buffer(room, 0);
  for (size_t at = 0; at < packed.size() && out.plain.size() < kMost; at += cut) {
    layer.feed(packed.substr(at, cut));
    while (out.plain.size() < kMost) {
      const auto got = layer.inflate(buffer.data(), room);
      if (!got) return {std::move(out.plain), true};
      if (*got > room) std::abort();
      if (*got == 0) break;
      out.plain.append(buffer, 0, *got);
    }
    if (naps) layer.hibernate();
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const size_t cut = 1 + data[0] % 64, room = 1 + data[1] * 16;
  const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
  const Unpacked whole = unpacked(text, size, 4096, false), pieces = unpacked(text, cut, room, false);
  const size_t common = std::min(whole.plain.size(), pieces.plain.size());
  if (whole.plain.compare(0, common, pieces.plain, 0, common) != 0) std::abort();
  const bool ended = whole.plain.size() < kMost && pieces.plain.size() < kMost;
  // Broken: where a block ends with the last octet, only a further call tells.
  if (ended && !whole.broken && !pieces.broken && whole.plain != pieces.plain) std::abort();

  Deflate ours;
  std::string packed;
  for (size_t at = 0; at < text.size(); at += cut * 16) {
    ours.pack(text.substr(at, cut * 16), packed);
    ours.hibernate();
  }
  if (unpacked(packed, cut * 8, room, true).plain != text) std::abort();
  return 0;
}
