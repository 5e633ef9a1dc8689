// Reader: binds the keys of one section to the members of a struct, and remembers which keys it was asked
// for.
//
//   Reader r(node, "mta.limits", problems);
//   r.optional("message_size", limits.message_size);
//   r.optional("recipients", limits.recipients, {1, 100'000});
//   r.section("tls", [&](Reader& inner) { ... });
//
// Its destructor reports keys that nobody asked for, with the nearest known one. A bad or missing value
// leaves the member as it was and adds a Problem; reading goes on, so that all faults come at once.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/problems.h"
#include "common/config/tree.h"
#include "common/config/types.h"

namespace dromos::config {

class Reader {
 public:
  struct Range {
    uint64_t low = 0;
    uint64_t high = std::numeric_limits<uint64_t>::max();
  };

  Reader(const Node& node, std::string key, Problems& problems);
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  ~Reader();

  void optional(std::string_view key, std::string& out);
  void optional(std::string_view key, bool& out);
  void optional(std::string_view key, uint16_t& out, Range range = {0, 65'535});
  void optional(std::string_view key, uint32_t& out, Range range = {0, UINT32_MAX});
  void optional(std::string_view key, Duration& out);
  void optional(std::string_view key, ByteSize& out);
  void optional(std::string_view key, SocketAddress& out);
  void optional(std::string_view key, std::optional<HostPort>& out, uint16_t default_port);
  void optional(std::string_view key, std::vector<std::string>& out);
  void optional(std::string_view key, std::vector<SocketAddress>& out);

  /// As optional(), but the key must be there.
  template <class T>
  void required(std::string_view key, T& out) {
    need(key);
    optional(key, out);
  }

  void one_of(std::string_view key, std::string& out, std::initializer_list<std::string_view> allowed);
  /// `key`, or `key`_file naming a file whose first line is the secret (read only if `read_file`).
  void secret(std::string_view key, SecretText& out, bool read_file);
  void section(std::string_view key, const std::function<void(Reader&)>& body);
  /// Each element of a list, "key[0]"; a single value counts as a list of one.
  void each(std::string_view key, const std::function<void(const Node&, const std::string& name)>& body);

  void fail(std::string_view key, std::string what);
  Problems& problems() { return problems_; }

 private:
  const Node* take(std::string_view key);
  const Node* take_scalar(std::string_view key, std::string_view allowed);
  void need(std::string_view key);
  std::string path(std::string_view key) const;
  void found(const Node& node, std::string_view key, std::string_view allowed);
  std::optional<uint64_t> number(std::string_view key, Range range);
  void report_unknown() const;

  const Node& node_;
  const std::string key_;
  Problems& problems_;
  std::vector<std::string> asked_;
  bool usable_;
};

/// The word of `known` that `word` was probably meant to be, or "".
std::string nearest(std::string_view word, const std::vector<std::string>& known);

}  // namespace dromos::config
