// Mailboxes: what parses prints, and parses again to the same mailbox.
#include <cstdlib>
#include <string>

#include "common/smtp/address.h"

using namespace dromos::smtp;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto mailbox = parse_mailbox(bytes)) {
    const std::string printed = mailbox->to_string();
    const auto again = parse_mailbox(printed);
    if (!again || again->to_string() != printed || !(*again == *mailbox)) std::abort();
    if (printed.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) std::abort();
    (void)domain_for_display(mailbox->domain);
  }
  std::string_view path = bytes;
  (void)take_reverse_path(path);
  path = bytes;
  (void)take_forward_path(path);
  return 0;
}
