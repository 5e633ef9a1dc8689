// Delivery status notifications: builds the multipart/report message of RFC 3462 and RFC 3464 (human text,
// fields per recipient, the original's headers or whole), or RFC 6533's message/global-* forms where an
// address or header is not ASCII. Text from outside is cleaned and bounded.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/smtp/address.h"

namespace dromos::smtp {

enum class DsnAction { failed, delayed, delivered, relayed, expanded };

struct DsnRecipient {
  Mailbox recipient;
  /// ORCPT's type and address, as given to RCPT.
  std::string orcpt_type;
  std::string orcpt_address;
  DsnAction action = DsnAction::failed;
  /// "5.1.1"; derived from action if empty.
  std::string status;
  /// Host that answered; empty if none did.
  std::string remote_mta;
  /// The remote reply ("550 5.1.1 No such user", reported as smtp) or our own words when remote_mta is empty.
  std::string diagnostic;
  int64_t last_attempt_us = 0;
  /// Delayed: until when we go on trying.
  int64_t will_retry_until_us = 0;
};

struct DsnReport {
  /// The host that reports, and the domain of the From address MAILER-DAEMON@.
  std::string reporting_mta;
  std::string from_domain;
  Mailbox to;
  /// Without angle brackets: "<uuid>@host".
  std::string message_id;
  int64_t date_us = 0;
  int64_t arrival_us = 0;
  std::string envid;
  /// Shown to the reader so that support can find the attempt.
  std::string trace_id;
  std::vector<DsnRecipient> recipients;
  /// The original: header section only, or all with `full` (RET=FULL). Longer than kMaxDsnOriginal: headers
  /// only.
  std::string original;
  bool full = false;
};

inline constexpr size_t kMaxDsnOriginal = 1024 * 1024;
inline constexpr size_t kMaxDsnHeaders = 64 * 1024;
/// With a host name before it, a line stays under 998 octets (RFC 5322 §2.1.1).
inline constexpr size_t kMaxDsnDiagnostic = 600;

struct DsnMessage {
  /// With CR LF line ends, ready for delivery with a null reverse-path.
  std::string bytes;
  bool needs_smtputf8 = false;
  bool eight_bit = false;
};
DsnMessage build_dsn(const DsnReport& report);

}  // namespace dromos::smtp
