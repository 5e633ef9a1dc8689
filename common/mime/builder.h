// Builder: composes messages (RFC 5322, RFC 2045-2047, RFC 2231, RFC 3462) for DSNs, JMAP and tests.
//
// Deterministic: Message-ID, Date and boundaries come from the caller's values or the content. Lines end in
// CRLF and stay under 998 bytes. Values may not smuggle fields: CR, LF and NUL in them become blanks.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/mime/address.h"

namespace dromos::mime {

/// A MIME entity: a leaf with content, or a multipart with children.
struct Entity {
  std::string type = "text/plain";  ///< "multipart/..." has children
  std::vector<std::pair<std::string, std::string>>
      type_params;          ///< UTF-8; e.g. {"report-type", "delivery-status"}
  std::string content;      ///< decoded bytes (UTF-8 for text); a whole message for message/rfc822
  std::string disposition;  ///< "attachment", "inline" or empty
  std::string filename;     ///< UTF-8
  std::string content_id;   ///< without brackets
  std::string description;
  std::vector<std::string> languages;
  std::string location;
  std::vector<std::pair<std::string, std::string>> extra_headers;  ///< raw (see raw_header)
  std::vector<Entity> children;
};

Entity text_entity(std::string utf8);
Entity html_entity(std::string utf8);
Entity attachment_entity(std::string type, std::string filename, std::string bytes);
/// content is the whole message; never encoded (RFC 2046 §5.2.1).
Entity message_entity(std::string raw_message);
Entity multipart(std::string_view subtype, std::vector<Entity> children);

class Builder {
 public:
  /// Unstructured text, encoded words and folding as needed.
  Builder& header(std::string_view name, std::string_view utf8_text);
  /// Value as it is (folded by the caller or short).
  Builder& raw_header(std::string_view name, std::string_view value);
  Builder& addresses(std::string_view name, const std::vector<EmailAddress>& list);
  Builder& message_ids(std::string_view name, const std::vector<std::string>& ids);
  Builder& date(int64_t epoch, int offset_minutes = 0);
  Builder& message_id(std::string_view id_without_brackets);
  Builder& from(const EmailAddress& address) { return addresses("From", {address}); }
  Builder& to(const std::vector<EmailAddress>& list) { return addresses("To", list); }
  Builder& subject(std::string_view utf8) { return header("Subject", utf8); }
  Builder& body(Entity entity);
  /// Adds MIME-Version and the entity's fields.
  std::string build() const;

 private:
  std::string head_;
  std::optional<Entity> body_;
};

/// RFC 3464 report: text for people, delivery-status fields, original message or its header.
Entity delivery_report(std::string human_text, std::string status_fields, std::string original,
                       bool headers_only);

/// Folds a field at blanks to lines of at most 78 where it can, and 998 always.
std::string fold_field(std::string_view name, std::string_view value);
/// "<unique@host>" content from a unique token and the host.
std::string make_message_id(std::string_view unique, std::string_view host);

}  // namespace dromos::mime
