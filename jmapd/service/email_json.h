// Email objects out of stored facts and, where facts do not say it, the raw message (RFC 8621 §4.1, §4.2).
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/mime/facts.h"
#include "jmapd/protocol/error.h"
#include "jmapd/protocol/values.h"
#include "jmapd/service/header_forms.h"

namespace dromos::jmapd {

class Arguments;

/// Whole values of a message that one answer may hold, beside maxBodyValueBytes.
inline constexpr size_t kMaxBodyValue = 16 * 1024 * 1024;

/// What of an Email was asked for.
struct EmailProperties {
  std::set<std::string, std::less<>> names;  ///< without header:...
  std::vector<HeaderProperty> headers;
  std::set<std::string, std::less<>> body_names;
  std::vector<HeaderProperty> body_headers;
  bool text_values = false;
  bool html_values = false;
  bool all_values = false;
  size_t max_value_bytes = 0;

  bool wants(std::string_view name) const { return names.contains(name); }
  bool wants_body() const;
  /// Anything beyond what the entry rows say (id, mailboxIds, keywords...).
  bool needs_facts() const;
  /// Bytes of the root header; of everything.
  bool needs_header() const;
  bool needs_raw(const mime::Facts& facts) const;
};

/// Reads properties, bodyProperties, fetch...BodyValues, maxBodyValueBytes. `parse`: for Email/parse.
Outcome<EmailProperties> read_email_properties(Arguments& arguments, bool parse);

struct EmailSource {
  const mime::Facts& facts;
  std::string_view raw;  ///< empty, the root header, or all: as EmailProperties needed
  BlobId blob;
};

/// Adds every property that the message itself gives; not id, blobId, threadId, mailboxIds, keywords, size,
/// receivedAt.
void add_message_properties(nlohmann::json& out, const EmailSource& source, const EmailProperties& wanted);

}  // namespace dromos::jmapd
