#include "mta/outbound/own_addresses.h"

#include <ifaddrs.h>
#include <netinet/in.h>

#include <memory>

namespace dromos::mta {
namespace {

bool is_wildcard(const net::Address& address) {
  const std::string ip = address.ip();
  return ip == "0.0.0.0" || ip == "::";
}

void add_interfaces(uint16_t port, bool v6_too, std::set<std::string>& out) {
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return;
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner(list, &::freeifaddrs);
  for (const ifaddrs* one = list; one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr == nullptr) continue;
    const bool v6 = one->ifa_addr->sa_family == AF_INET6;
    if (!(v6 && v6_too) && one->ifa_addr->sa_family != AF_INET) continue;
    const net::Address bare(one->ifa_addr, v6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in));
    if (const auto address = net::Address::from_ip(bare.ip(), port)) out.insert(address->to_string());
  }
}

}  // namespace

std::set<std::string> own_addresses(const std::vector<net::Address>& listening) {
  std::set<std::string> out;
  for (const net::Address& address : listening) {
    if (address.is_unix()) continue;
    if (is_wildcard(address))
      add_interfaces(address.port(), address.family() == AF_INET6, out);
    else
      out.insert(address.to_string());
  }
  return out;
}

}  // namespace dromos::mta
