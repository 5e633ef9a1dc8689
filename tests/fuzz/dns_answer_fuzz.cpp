// DNS answers from the wire: bounded by the packet, names within their length, data of the size their type
// demands.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "common/dns/wire.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dromos::dns;
  const std::string_view packet(reinterpret_cast<const char*>(data), size);
  for (const RecordType type : {RecordType::a, RecordType::aaaa, RecordType::mx, RecordType::txt,
                                RecordType::ptr, RecordType::tlsa, RecordType::cname}) {
    const auto answer = read_answer(packet, "a.test", type);
    if (!answer) {
      if (!answer.error().may_retry()) abort();
      continue;
    }
    if (answer->data.empty() != (answer->existence != Existence::exists)) abort();
    for (const auto& record : answer->data) {
      if (type == RecordType::a && record.size() != 4) abort();
      if (type == RecordType::mx && record.size() < 2) abort();
    }
  }
  for (size_t at = 0; at < size && at < 64; ++at) {
    size_t end = at;
    const auto name = read_name(packet, end);
    if (name && (end <= at || end > size)) abort();
  }
  return 0;
}
