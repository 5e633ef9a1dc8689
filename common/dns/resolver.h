// DNS as mail needs it: typed answers with DNSSEC status, TTL and the difference between "no such name", "no
// such record" and "ask again later".
//
// Names are A-labels in any case, without or with the final dot. An answer that exists but is empty
// (NXDOMAIN, NODATA) is a value; what may change when asked again (SERVFAIL, timeout, refused) is an Error
// with Retry::temporary or timeout, and so is a bogus answer (dns::Errc::bogus): validation failed, do not
// use it. Results of one reactor only.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/async/task.h"
#include "common/base/clock.h"
#include "common/base/result.h"
#include "common/dns/errc.h"

namespace dromos::dns {

/// Bogus answers never reach the caller as values. `secure` only if validated from the root (or a set
/// anchor).
enum class Dnssec { insecure, secure };

enum class Existence {
  exists,
  no_data,    // the name exists, this type does not
  no_domain,  // NXDOMAIN
};

struct Answer {
  Existence existence = Existence::exists;
  Dnssec dnssec = Dnssec::insecure;
  uint32_t ttl = 0;  // of the negative answer if it is one
  /// Where CNAMEs led, lower case without final dot; the name asked if none (RFC 7672 §2.2.2 needs it).
  std::string canonical_name;
};

struct MxHost {
  uint16_t preference = 0;
  std::string name;  // lower case, no final dot
  bool operator==(const MxHost&) const = default;
};

/// RFC 5321 §5.1: in the order to be tried, equals shuffled.
struct MxAnswer : Answer {
  std::vector<MxHost> hosts;
  bool implicit = false;  // no MX: the domain itself, preference 0; that it has addresses was not checked
  bool null_mx = false;   // RFC 7505: takes no mail
};

struct IpAddress {
  std::string text;  // "192.0.2.1", "2001:db8::1"
  bool v6 = false;
  bool operator==(const IpAddress&) const = default;
};

/// A and AAAA together; existence is no_data only if neither exists.
struct AddressAnswer : Answer {
  std::vector<IpAddress> addresses;
};

/// TXT: the strings of a record are joined (RFC 7208 §3.3). PTR: names, lower case without final dot.
struct TextAnswer : Answer {
  std::vector<std::string> values;
};

struct TlsaRecord {
  uint8_t usage = 0, selector = 0, matching = 0;
  std::string data;
  bool operator==(const TlsaRecord&) const = default;
};

struct TlsaAnswer : Answer {
  std::vector<TlsaRecord> records;
};

enum class RecordType : uint16_t {
  a = 1,
  cname = 5,
  soa = 6,
  ptr = 12,
  mx = 15,
  txt = 16,
  aaaa = 28,
  tlsa = 52
};

/// One type of one name, data uncompressed: names in text, others as on the wire (mx: 2 bytes and the name).
struct RecordSet : Answer {
  std::vector<std::string> data;
};

class Resolver {
 public:
  virtual ~Resolver() = default;

  /// The one question an implementation answers; the rest is made of it.
  virtual Task<Result<RecordSet>> query(std::string name, RecordType type, Deadline deadline) = 0;
  /// Ends every question with Errc::cancelled, now and later: shutdown must not wait for DNS.
  virtual void interrupt() {}

  Task<Result<MxAnswer>> mx(std::string domain, Deadline deadline);
  Task<Result<AddressAnswer>> addresses(std::string host, Deadline deadline);
  Task<Result<TextAnswer>> txt(std::string name, Deadline deadline);
  /// `ip` in text; an argument that is none is Errc::bad_name.
  Task<Result<TextAnswer>> ptr(std::string ip, Deadline deadline);
  /// "_25._tcp.<host>".
  Task<Result<TlsaAnswer>> tlsa(std::string host, uint16_t port, Deadline deadline);
};

/// "4.3.2.1.in-addr.arpa" or the ip6.arpa nibbles; empty if `ip` is none. Also for DNSBLs, without the
/// suffix.
std::string reverse_name(const std::string& ip);
std::string reverse_labels(const std::string& ip);

}  // namespace dromos::dns
