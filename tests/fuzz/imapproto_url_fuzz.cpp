// IMAP URLs: whatever is taken can be used.
#include <cstdint>
#include <string_view>

#include "imapd/protocol/imap_url.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto url = dromos::imapd::parse_imap_url(text);
  if (!url) return 0;
  if (url->uid == 0 || (!url->server.empty() && url->mailbox.empty())) __builtin_trap();
  if (url->auth && text.substr(0, url->rump.size()) != url->rump) __builtin_trap();
  return 0;
}
