// What an attempt meant for a recipient, and what a reply means where it comes (RFC 5321 §4.2.1, RFC 7504).
// Pure. Words of our own look like replies too, so that logs, traces and DSNs read alike.
#pragma once

#include <cstdint>
#include <string>

#include "common/base/error.h"
#include "common/smtp/reply.h"

namespace dromos::mta {

enum class Fate {
  delivered,
  deferred,
  failed,
  again,   ///< not tried, not its fault: the next transaction takes it
  relayed  ///< given to a hop that does not do DSN; otherwise as delivered
};
std::string_view to_string(Fate fate);

struct SendVerdict {
  Fate fate = Fate::deferred;
  int32_t code = 0;        ///< 250, 421, 550...
  std::string status;      ///< "5.1.1"; made of the code's class if the reply had none
  std::string diagnostic;  ///< the reply or our words, one line, at most kMaxDiagnostic octets, clean UTF-8
  std::string remote;      ///< "mx.example.test [192.0.2.1]:25"; empty: no host answered
  std::string remote_name;
  bool tls = false;
  bool other_host = false;  ///< deferred, and another host of the domain may do better
  bool operator==(const SendVerdict&) const = default;
};

inline constexpr size_t kMaxDiagnostic = 500;

/// Where in the dialogue a reply came.
enum class Stage { greeting, hello, starttls, auth, mail, rcpt, data, final_dot };
std::string_view to_string(Stage stage);

/// The reply's meaning for a recipient. A refusal to talk at all (greeting, hello, starttls) is never
/// permanent here: another host or another day may be better, and expiry ends it.
/// 552 to RCPT means too many recipients (RFC 5321 §4.5.3.1.10) and is `again` like 452 if others went
/// before.
SendVerdict verdict_of(Stage stage, const smtp::Reply& reply, bool others_accepted = false);
/// Our own words: failed for a permanent status ("5..."), deferred else.
SendVerdict own_verdict(std::string status, std::string text);
/// An error of the network, DNS or database: deferred, unless `error` is permanent and so says `status`.
SendVerdict verdict_of(const Error& error);

/// One line without control octets, cut at a character.
std::string one_line(std::string_view text, size_t limit);

}  // namespace dromos::mta
