// Resolver over libunbound, on the reactor's event_base: recursive and validating by itself, or asking
// forwarders.
//
// One per reactor thread. Questions beyond `max_in_flight` wait their turn; a question whose deadline passes
// is cancelled. No stub files are read: /etc/hosts and resolv.conf only where the options say so.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/dns/resolver.h"

namespace dromos::dns {

struct UnboundOptions {
  /// "192.0.2.53" or "127.0.0.1@5353"; empty: recursion from the root.
  std::vector<std::string> forwarders;
  bool use_resolv_conf = false;
  /// Trust anchor file (RFC 5011 or DS/DNSKEY lines); Debian: /usr/share/dns/root.key. Empty: nothing is
  /// secure.
  std::string trust_anchor_file;
  /// More anchors as "zone. DS ..." or "zone. DNSKEY ..." lines (tests).
  std::vector<std::string> trust_anchors;
  /// Lets 127/8 and ::1 be asked; for tests.
  bool allow_loopback = false;
  /// Names that libunbound answers by itself unless told otherwise (RFC 6303, RFC 6761: "test",
  /// "10.in-addr.arpa"...).
  std::vector<std::string> ask_zones;
  size_t max_in_flight = 500;
  /// libunbound's own settings, name and value ("module-config:", "iterator").
  std::vector<std::pair<std::string, std::string>> settings;
};

class UnboundResolver : public Resolver {
 public:
  /// On the current reactor.
  static Result<std::unique_ptr<UnboundResolver>> create(const UnboundOptions& options);
  /// No question may be in flight.
  ~UnboundResolver() override;

  Task<Result<RecordSet>> query(std::string name, RecordType type, Deadline deadline) override;
  void interrupt() override;

  /// Asks for the root's DNSKEY: false if a forwarder strips or breaks DNSSEC, so that DANE must stay off.
  Task<bool> dnssec_works(Deadline deadline);

 private:
  struct State;
  explicit UnboundResolver(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace dromos::dns
