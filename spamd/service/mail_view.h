// MailView: a message taken apart as far as the filter wants it, whatever parsed it.
//
// Made from raw bytes by common/mime; bounded: the first kMaxFields fields, kMaxParts parts and kMaxText
// bytes of decoded text are looked at. Never fails: hostile mail gives an odd view.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace dromos::spamd {

inline constexpr size_t kMaxFields = 300;
inline constexpr size_t kMaxParts = 60;
inline constexpr size_t kMaxPartText = 128 * 1024;
inline constexpr size_t kMaxText = 256 * 1024;

/// What the server saw while receiving (spam.proto, Envelope). Empty strings: not known.
struct Envelope {
  std::string mail_from;
  bool mail_from_null = false;
  std::vector<std::string> rcpt_to;
  std::string client_ip;
  std::string client_name;
  std::string helo;
  std::string auth_user;
  bool tls = false;
};

struct FieldView {
  std::string name;   ///< lower case
  std::string raw;    ///< unfolded bytes
  std::string value;  ///< UTF-8, encoded words decoded
};

struct PartView {
  std::string type;         ///< "text/html", lower case
  std::string charset;      ///< lower case, as declared; empty if none
  std::string encoding;     ///< Content-Transfer-Encoding, lower case; empty if none
  std::string disposition;  ///< lower case; empty if none
  std::string filename;     ///< UTF-8
  std::string text;         ///< decoded UTF-8 of text parts
  bool is_multipart = false;

  bool is_text() const { return type.starts_with("text/"); }
  bool is_html() const { return type == "text/html"; }
  bool is_attachment() const { return disposition == "attachment" || !filename.empty(); }
};

struct MailView {
  std::vector<FieldView> fields;
  std::vector<PartView> parts;  ///< depth first, containers included
  size_t size = 0;

  /// First field of that name (lower case), or null.
  const FieldView* field(std::string_view name) const;
  size_t count(std::string_view name) const;
  /// Value of the first such field, or empty.
  std::string_view value(std::string_view name) const;
};

MailView view_mail(std::string_view raw);

}  // namespace dromos::spamd
