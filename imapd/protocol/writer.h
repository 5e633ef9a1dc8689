// Responses as octets (RFC 9051 §7, §9): a growable buffer that knows quoting, literals and numbers, not
// meaning.
//
// Text that came from outside goes through string(), astring(), mailbox() or text(), which no content can
// make into a new line; raw() and atom() trust the caller.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "imapd/protocol/date.h"
#include "imapd/protocol/flags.h"
#include "imapd/protocol/sequence_set.h"

namespace dromos::imapd {

enum class Status { ok, no, bad, bye, preauth };

class Writer {
 public:
  /// With `utf8` (IMAP4rev2 or UTF8=ACCEPT enabled) strings may be quoted UTF-8 and names are not encoded.
  explicit Writer(bool utf8 = false) : utf8_(utf8) {}

  void set_utf8(bool utf8) { utf8_ = utf8; }
  bool utf8() const { return utf8_; }
  std::string_view view() const { return out_; }
  size_t size() const { return out_.size(); }
  bool empty() const { return out_.empty(); }
  void clear() { out_.clear(); }
  void reserve(size_t octets) { out_.reserve(octets); }
  /// Gives the memory of an empty writer back.
  void release() { std::string().swap(out_); }
  /// Takes back what was written after the first `octets`.
  void truncate(size_t octets) { out_.resize(octets); }
  /// The octets; the writer is empty afterwards.
  std::string take();

  Writer& raw(std::string_view bytes) {
    out_.append(bytes);
    return *this;
  }
  Writer& ch(char c) {
    out_.push_back(c);
    return *this;
  }
  Writer& sp() { return ch(' '); }
  Writer& crlf() { return raw("\r\n"); }
  Writer& nil() { return raw("NIL"); }
  Writer& atom(std::string_view text) { return raw(text); }
  Writer& number(uint64_t value) {
    char digits[20];
    const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    out_.append(digits, static_cast<size_t>(end - digits));
    return *this;
  }
  /// Quoted where that can carry the octets, else a literal.
  Writer& string(std::string_view bytes);
  Writer& nstring(std::optional<std::string_view> bytes);
  /// Atom where possible, else string().
  Writer& astring(std::string_view bytes);
  /// A name as the store holds it.
  Writer& mailbox(std::string_view name);
  /// "{n}\r\n" or "~{n}\r\n"; the caller writes n octets next.
  Writer& literal_head(uint64_t size, bool binary = false);
  /// A literal, or a literal8 if the octets hold a NUL and `binary_allowed`.
  Writer& literal(std::string_view bytes, bool binary_allowed = false);
  /// "(\Seen $Forwarded)".
  Writer& flags(uint8_t system, std::span<const std::string> keywords = {});
  Writer& date_time(DateTime when);  // with quotes
  Writer& ranges(std::span<const uint32_t> sorted);
  Writer& ranges(const NumberSet& set);
  /// Human text: controls become blanks, 8-bit stays only with utf8(); never empty.
  Writer& text(std::string_view human);

  Writer& untagged() { return raw("* "); }
  /// "* 12 EXISTS\r\n".
  Writer& untagged_number(uint64_t number, std::string_view name);
  /// "tag OK [code] text\r\n"; code without brackets, "" for none. An empty tag writes "*".
  Writer& response(std::string_view tag, Status status, std::string_view code, std::string_view human);
  Writer& ok(std::string_view tag, std::string_view human) { return response(tag, Status::ok, "", human); }
  Writer& untagged_status(Status status, std::string_view code, std::string_view human) {
    return response("*", status, code, human);
  }
  Writer& continuation(std::string_view human = "OK");

  /// "* n FETCH (": then items, each begun with item(), then end_fetch().
  Writer& begin_fetch(uint32_t number);
  /// "* n UIDFETCH (" (RFC 9586).
  Writer& begin_uid_fetch(uint32_t uid);
  /// A blank unless it is the first item, and the name with a blank after it.
  Writer& item(std::string_view name);
  Writer& end_fetch() { return raw(")\r\n"); }

 private:
  std::string out_;
  bool utf8_;
  bool first_item_ = true;
};

/// Response codes (RFC 5530 §3 and the extensions) by name, to keep spelling in one place.
namespace code {
inline constexpr std::string_view kAlert = "ALERT";
inline constexpr std::string_view kAlreadyExists = "ALREADYEXISTS";
inline constexpr std::string_view kAuthenticationFailed = "AUTHENTICATIONFAILED";
inline constexpr std::string_view kAuthorizationFailed = "AUTHORIZATIONFAILED";
inline constexpr std::string_view kBadUrl = "BADURL";
inline constexpr std::string_view kCannot = "CANNOT";
inline constexpr std::string_view kClientBug = "CLIENTBUG";
inline constexpr std::string_view kClosed = "CLOSED";
inline constexpr std::string_view kCompressionActive = "COMPRESSIONACTIVE";
inline constexpr std::string_view kContactAdmin = "CONTACTADMIN";
inline constexpr std::string_view kCorruption = "CORRUPTION";
inline constexpr std::string_view kExpired = "EXPIRED";
inline constexpr std::string_view kExpungeIssued = "EXPUNGEISSUED";
inline constexpr std::string_view kHasChildren = "HASCHILDREN";
inline constexpr std::string_view kInUse = "INUSE";
inline constexpr std::string_view kLimit = "LIMIT";
inline constexpr std::string_view kNoModseq = "NOMODSEQ";
inline constexpr std::string_view kNonexistent = "NONEXISTENT";
inline constexpr std::string_view kNoPerm = "NOPERM";
inline constexpr std::string_view kNotificationOverflow = "NOTIFICATIONOVERFLOW";
inline constexpr std::string_view kNotSaved = "NOTSAVED";
inline constexpr std::string_view kOverQuota = "OVERQUOTA";
inline constexpr std::string_view kParse = "PARSE";
inline constexpr std::string_view kPrivacyRequired = "PRIVACYREQUIRED";
inline constexpr std::string_view kReadOnly = "READ-ONLY";
inline constexpr std::string_view kReadWrite = "READ-WRITE";
inline constexpr std::string_view kServerBug = "SERVERBUG";
inline constexpr std::string_view kTooBig = "TOOBIG";
inline constexpr std::string_view kTryCreate = "TRYCREATE";
inline constexpr std::string_view kUidNotSticky = "UIDNOTSTICKY";
inline constexpr std::string_view kUidRequired = "UIDREQUIRED";
inline constexpr std::string_view kUnavailable = "UNAVAILABLE";
inline constexpr std::string_view kUnknownCte = "UNKNOWN-CTE";
inline constexpr std::string_view kUseAttr = "USEATTR";
}  // namespace code

}  // namespace dromos::imapd
