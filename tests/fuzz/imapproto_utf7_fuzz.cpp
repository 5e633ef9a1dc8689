// Modified UTF-7 both ways: what decodes encodes to the same octets, what encodes decodes to the same text.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "common/base/strings.h"
#include "imapd/protocol/mailbox_name.h"

using namespace dromos::imapd;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  if (const auto decoded = utf7_to_utf8(input)) {
    if (!dromos::is_utf8(*decoded) || utf8_to_utf7(*decoded) != input) abort();
  }
  if (dromos::is_utf8(input)) {
    const auto back = utf7_to_utf8(utf8_to_utf7(input));
    if (!back || *back != input) abort();
  }
  for (const bool utf8 : {false, true}) {
    const auto name = mailbox_from_wire(input, utf8);
    if (!name) continue;
    // A name that was accepted keeps its meaning on the way out and in again.
    const auto again = mailbox_from_wire(mailbox_to_wire(*name, utf8), utf8);
    if (!again || *again != *name) abort();
  }
  return 0;
}
