#include "common/dns/resolver.h"

#include <arpa/inet.h>

#include <algorithm>
#include <random>

#include "common/base/strings.h"
#include "common/dns/wire.h"

namespace dromos::dns {
namespace {

std::mt19937& shuffler() {
  thread_local std::mt19937 engine{std::random_device{}()};
  return engine;
}

void copy_facts(const RecordSet& set, Answer& out) {
  out.existence = set.existence;
  out.dnssec = set.dnssec;
  out.ttl = set.ttl;
  out.canonical_name = set.canonical_name;
}

MxAnswer make_mx(const RecordSet& set, const std::string& domain) {
  MxAnswer out;
  copy_facts(set, out);
  if (set.existence == Existence::no_data) {
    out.implicit = true;
    out.hosts.push_back({0, set.canonical_name.empty() ? domain : set.canonical_name});
    return out;
  }
  for (const std::string& data : set.data) {
    const auto preference =
        static_cast<uint16_t>(static_cast<unsigned char>(data[0]) << 8 | static_cast<unsigned char>(data[1]));
    out.hosts.push_back({preference, data.substr(2)});
  }
  // RFC 7505 §3: a null MX stands alone; beside others a host named "." is merely unusable.
  out.null_mx = out.hosts.size() == 1 && out.hosts.front().name.empty();
  std::erase_if(out.hosts, [](const MxHost& host) { return host.name.empty(); });
  std::shuffle(out.hosts.begin(), out.hosts.end(), shuffler());
  std::sort(out.hosts.begin(), out.hosts.end(),
            [](const MxHost& a, const MxHost& b) { return a.preference < b.preference; });
  return out;
}

void append_addresses(const RecordSet& set, bool v6, std::vector<IpAddress>& out) {
  for (const std::string& data : set.data) {
    char text[INET6_ADDRSTRLEN];
    if (inet_ntop(v6 ? AF_INET6 : AF_INET, data.data(), text, sizeof text) != nullptr)
      out.push_back({text, v6});
  }
}

/// RFC 1035 §3.3.14: strings, each behind its length.
std::string join_strings(std::string_view data) {
  std::string out;
  while (!data.empty()) {
    const size_t size = static_cast<unsigned char>(data.front());
    out += data.substr(1, size);
    data.remove_prefix(std::min(data.size(), size + 1));
  }
  return out;
}

}  // namespace

std::string reverse_labels(const std::string& ip) {
  unsigned char bytes[16];
  std::string out;
  if (inet_pton(AF_INET, ip.c_str(), bytes) == 1) {
    for (int i = 3; i >= 0; --i) out += std::to_string(bytes[i]) + (i > 0 ? "." : "");
  } else if (inet_pton(AF_INET6, ip.c_str(), bytes) == 1) {
    constexpr char kHex[] = "0123456789abcdef";
    for (int i = 15; i >= 0; --i) {
      out += kHex[bytes[i] & 15];
      out += '.';
      out += kHex[bytes[i] >> 4];
      if (i > 0) out += '.';
    }
  }
  return out;
}

std::string reverse_name(const std::string& ip) {
  const std::string labels = reverse_labels(ip);
  if (labels.empty()) return labels;
  return labels + (ip.find(':') == std::string::npos ? ".in-addr.arpa" : ".ip6.arpa");
}

Task<Result<MxAnswer>> Resolver::mx(std::string domain, Deadline deadline) {
  CO_TRY(const RecordSet set, co_await query(domain, RecordType::mx, deadline));
  co_return make_mx(set, to_lower(domain));
}

Task<Result<AddressAnswer>> Resolver::addresses(std::string host, Deadline deadline) {
  CO_TRY(const RecordSet v6, co_await query(host, RecordType::aaaa, deadline));
  AddressAnswer out;
  copy_facts(v6, out);
  append_addresses(v6, true, out.addresses);
  if (v6.existence == Existence::no_domain) co_return out;
  CO_TRY(const RecordSet v4, co_await query(std::move(host), RecordType::a, deadline));
  append_addresses(v4, false, out.addresses);
  out.existence = out.addresses.empty() ? v4.existence : Existence::exists;
  out.ttl = std::min(v6.ttl, v4.ttl);
  if (v4.dnssec != Dnssec::secure) out.dnssec = Dnssec::insecure;
  co_return out;
}

Task<Result<TextAnswer>> Resolver::txt(std::string name, Deadline deadline) {
  CO_TRY(const RecordSet set, co_await query(std::move(name), RecordType::txt, deadline));
  TextAnswer out;
  copy_facts(set, out);
  for (const std::string& data : set.data) out.values.push_back(join_strings(data));
  co_return out;
}

Task<Result<TextAnswer>> Resolver::ptr(std::string ip, Deadline deadline) {
  std::string name = reverse_name(ip);
  if (name.empty()) co_return fail(Errc::bad_name, "not an IP address: " + ip);
  CO_TRY(const RecordSet set, co_await query(std::move(name), RecordType::ptr, deadline));
  TextAnswer out;
  copy_facts(set, out);
  out.values = set.data;
  co_return out;
}

Task<Result<TlsaAnswer>> Resolver::tlsa(std::string host, uint16_t port, Deadline deadline) {
  std::string name = "_" + std::to_string(port) + "._tcp." + host;
  CO_TRY(const RecordSet set, co_await query(std::move(name), RecordType::tlsa, deadline));
  TlsaAnswer out;
  copy_facts(set, out);
  for (const std::string& data : set.data) {
    if (data.size() < 4) continue;  // RFC 6698 §4.1: unusable records are passed over
    out.records.push_back({static_cast<uint8_t>(data[0]), static_cast<uint8_t>(data[1]),
                           static_cast<uint8_t>(data[2]), data.substr(3)});
  }
  co_return out;
}

}  // namespace dromos::dns
