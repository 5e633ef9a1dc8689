#include "common/dns/fake_resolver.h"

#include <arpa/inet.h>

#include "common/base/assert.h"
#include "common/dns/wire.h"

namespace dromos::dns {
namespace {

constexpr uint32_t kTtl = 300;

std::string key_of(const std::string& name) {
  return normalize_name(name).value_or(name);
}

}  // namespace

void FakeResolver::add(const std::string& name, RecordType type, std::string data) {
  records_[{key_of(name), type}].push_back(std::move(data));
  names_.insert(key_of(name));
}

void FakeResolver::add_mx(const std::string& name, uint16_t preference, const std::string& host) {
  add(name, RecordType::mx, encode_mx(preference, key_of(host)));
}

void FakeResolver::add_address(const std::string& name, const std::string& ip) {
  unsigned char bytes[16];
  const bool v6 = ip.find(':') != std::string::npos;
  const bool good = inet_pton(v6 ? AF_INET6 : AF_INET, ip.c_str(), bytes) == 1;
  DROMOS_ASSERT(good);
  add(name, v6 ? RecordType::aaaa : RecordType::a, std::string(reinterpret_cast<char*>(bytes), v6 ? 16 : 4));
}

void FakeResolver::add_txt(const std::string& name, const std::string& text) {
  std::string data;
  for (size_t at = 0; at == 0 || at < text.size(); at += 255) {
    const std::string piece = text.substr(at, 255);
    data += static_cast<char>(piece.size());
    data += piece;
  }
  add(name, RecordType::txt, std::move(data));
}

void FakeResolver::add_ptr(const std::string& ip, const std::string& name) {
  add(reverse_name(ip), RecordType::ptr, key_of(name));
}

void FakeResolver::add_tlsa(const std::string& host, uint16_t port, const TlsaRecord& record) {
  std::string data{static_cast<char>(record.usage), static_cast<char>(record.selector),
                   static_cast<char>(record.matching)};
  add("_" + std::to_string(port) + "._tcp." + host, RecordType::tlsa, data + record.data);
}

void FakeResolver::add_cname(const std::string& name, const std::string& target) {
  add(name, RecordType::cname, key_of(target));
}

Task<Result<RecordSet>> FakeResolver::query(std::string name, RecordType type, Deadline) {
  ++queries_;
  const auto asked = normalize_name(name);
  if (!asked) co_return fail(Errc::bad_name, "not a domain name: " + name);
  RecordSet out;
  out.canonical_name = *asked;
  out.ttl = kTtl;
  for (int hop = 0; hop < 16; ++hop) {
    if (const auto failure = failures_.find(out.canonical_name); failure != failures_.end())
      co_return fail(failure->second);
    const auto alias = records_.find({out.canonical_name, RecordType::cname});
    if (alias == records_.end() || type == RecordType::cname) break;
    out.canonical_name = alias->second.front();
  }
  for (const std::string& zone : secure_)
    if (out.canonical_name == zone || out.canonical_name.ends_with("." + zone)) out.dnssec = Dnssec::secure;
  if (const auto found = records_.find({out.canonical_name, type}); found != records_.end()) {
    out.data = found->second;
    co_return out;
  }
  // A name exists if it or anything below it does (RFC 8020).
  out.existence = Existence::no_domain;
  for (const std::string& known : names_)
    if (known == out.canonical_name || known.ends_with("." + out.canonical_name))
      out.existence = Existence::no_data;
  co_return out;
}

}  // namespace dromos::dns
