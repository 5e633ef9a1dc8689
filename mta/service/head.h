// The header fields that mta puts in front of what it received: Return-Path (RFC 5321 §4.4, for final
// delivery only), Received, X-Spam-Status, and what a submitted message lacks (RFC 6409 §8.1, §8.3). Pure.
#pragma once

#include <string>
#include <string_view>

#include "mta/service/backend.h"
#include "mta/service/scanner.h"

namespace dromos::mta {

struct Head {
  std::string return_path;
  std::string fields;
};

Head make_head(const Envelope& envelope, const Verdict& verdict, std::string_view hostname,
               std::string_view content, int64_t now_us);

/// False if content begins with something else than a header field or the empty line: then a line is put in
/// between, so that the first body line is not read as our header's continuation.
bool begins_with_header(std::string_view content);

/// Octets up to and with the empty line.
uint64_t header_size_of(std::string_view message);

}  // namespace dromos::mta
