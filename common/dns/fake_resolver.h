// Resolver over a table in memory, for unit tests: names without a record are NXDOMAIN, failures are
// scripted.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>

#include "common/dns/resolver.h"

namespace dromos::dns {

class FakeResolver : public Resolver {
 public:
  void add_mx(const std::string& name, uint16_t preference, const std::string& host);
  void add_address(const std::string& name, const std::string& ip);
  void add_txt(const std::string& name, const std::string& text);
  void add_ptr(const std::string& ip, const std::string& name);
  void add_tlsa(const std::string& host, uint16_t port, const TlsaRecord& record);
  void add_cname(const std::string& name, const std::string& target);
  /// All answers about `zone` and below count as validated.
  void set_secure(const std::string& zone) { secure_.insert(zone); }
  /// Every question about `name` fails: Errc::server, Errc::bogus or a timeout.
  void set_failure(const std::string& name, Error error) {
    failures_.insert_or_assign(name, std::move(error));
  }

  Task<Result<RecordSet>> query(std::string name, RecordType type, Deadline deadline) override;
  /// Questions asked so far.
  size_t queries() const { return queries_; }

 private:
  void add(const std::string& name, RecordType type, std::string data);

  std::map<std::pair<std::string, RecordType>, std::vector<std::string>> records_;
  std::set<std::string> names_;
  std::set<std::string> secure_;
  std::map<std::string, Error> failures_;
  size_t queries_ = 0;
};

}  // namespace dromos::dns
