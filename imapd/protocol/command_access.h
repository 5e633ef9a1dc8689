// Arguments of ACL (RFC 4314), QUOTA (RFC 9208), METADATA (RFC 5464) and URLAUTH (RFC 4467).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace dromos::imapd {

/// SETACL, DELETEACL, LISTRIGHTS; the last two leave `rights` empty.
struct AclCommand {
  enum class Change { replace, add, remove };
  std::string mailbox;
  std::string identifier;
  Change change = Change::replace;
  std::string rights;  // letters as sent, the sign taken off
};

struct GetQuotaCommand {
  std::string root;
};

struct SetQuotaCommand {
  std::string root;
  std::vector<std::pair<std::string, uint64_t>> limits;  // resource in upper case
};

struct GetMetadataCommand {
  static constexpr uint32_t kInfinity = UINT32_MAX;
  std::string mailbox;               // "" is the server
  std::vector<std::string> entries;  // lower case
  std::optional<uint32_t> max_size;
  uint32_t depth = 0;  // 0, 1, kInfinity
};

struct SetMetadataCommand {
  std::string mailbox;
  std::vector<std::pair<std::string, std::optional<std::string>>> entries;  // lower case; no value: remove
};

/// GENURLAUTH and URLFETCH (RFC 5524 §3.1 for what is wanted).
struct UrlCommand {
  struct Item {
    std::string url;
    std::string mechanism;  // of GENURLAUTH, upper case
    bool body = false;
    bool binary = false;
    bool structure = false;
    bool extended() const { return body || binary || structure; }
  };
  std::vector<Item> urls;
};

struct ResetKeyCommand {
  std::optional<std::string> mailbox;
  std::vector<std::string> mechanisms;
};

}  // namespace dromos::imapd
