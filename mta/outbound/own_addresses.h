// Where this host listens for mail, so that an MX pointing here is known as ourselves (RFC 5321 §5.1).
#pragma once

#include <set>
#include <string>
#include <vector>

#include "common/net/address.h"

namespace dromos::mta {

/// Addresses as Hop's show themselves; a wildcard becomes every address of this machine's interfaces.
std::set<std::string> own_addresses(const std::vector<net::Address>& listening);

}  // namespace dromos::mta
