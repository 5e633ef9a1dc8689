// Address lists of hostile bytes; what we format is read back as one mailbox.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "common/base/strings.h"
#include "common/mime/address.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dromos::mime;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const AddressList list = parse_address_list(text);
  if (list.size() > kMaxAddresses + 1) std::abort();
  (void)email_groups(text);
  for (const EmailAddress& address : email_addresses(text)) {
    if (!dromos::is_utf8(address.name) || !dromos::is_utf8(address.email)) std::abort();
    const std::string formatted = format_address(address.name, "user@example.test");
    if (email_addresses(formatted).size() != 1) std::abort();
  }
  return 0;
}
