#include "common/dns/wire.h"

#include <algorithm>

#include "common/base/strings.h"

namespace dromos::dns {
namespace {

constexpr size_t kMaxName = 253;
constexpr size_t kMaxLabel = 63;
constexpr int kMaxLabels = 128;
constexpr int kMaxCnames = 16;
constexpr size_t kHeader = 12;
constexpr uint32_t kMaxTtl = 7 * 86400;

Unexpected malformed(const char* what) {
  return fail(Errc::malformed, what, Retry::temporary);
}

struct Reader {
  std::string_view packet;
  size_t at = 0;
  bool ok = true;

  uint32_t number(size_t bytes) {
    if (!ok || packet.size() - at < bytes) {
      ok = false;
      return 0;
    }
    uint32_t value = 0;
    for (size_t i = 0; i < bytes; ++i) value = value << 8 | static_cast<unsigned char>(packet[at + i]);
    at += bytes;
    return value;
  }
  std::string name() {
    auto text = ok ? read_name(packet, at) : std::nullopt;
    if (!text) {
      ok = false;
      return {};
    }
    return std::move(*text);
  }
};

struct Record {
  std::string name;
  uint16_t type = 0;
  uint32_t ttl = 0;
  size_t data_at = 0;
  size_t data_size = 0;
};

constexpr uint16_t kClassIn = 1;

std::optional<Record> read_record(Reader& in) {
  Record out;
  out.name = in.name();
  out.type = static_cast<uint16_t>(in.number(2));
  const uint32_t record_class = in.number(2);
  out.ttl = in.number(4);
  out.data_size = in.number(2);
  out.data_at = in.at;
  if (!in.ok || in.packet.size() - in.at < out.data_size) return std::nullopt;
  in.at += out.data_size;
  if (out.ttl > kMaxTtl) out.ttl = out.ttl > INT32_MAX ? 0 : kMaxTtl;  // RFC 2181 §8
  if (record_class != kClassIn) out.type = 0;                          // none of ours; OPT among them
  return out;
}

std::optional<std::vector<Record>> read_records(Reader& in, uint32_t count) {
  std::vector<Record> out;
  for (uint32_t i = 0; i < count; ++i) {
    auto record = read_record(in);
    if (!record) return std::nullopt;
    out.push_back(std::move(*record));
  }
  return out;
}

/// Data with names decompressed, or nothing if it is malformed.
std::optional<std::string> read_data(std::string_view packet, const Record& record, RecordType type) {
  const std::string_view raw = packet.substr(record.data_at, record.data_size);
  size_t at = record.data_at;
  switch (type) {
    case RecordType::cname:
    case RecordType::ptr: {
      auto name = read_name(packet, at);
      if (!name || at != record.data_at + record.data_size) return std::nullopt;
      return name;
    }
    case RecordType::mx: {
      if (raw.size() < 3) return std::nullopt;
      at += 2;
      const auto name = read_name(packet, at);
      if (!name || at != record.data_at + record.data_size) return std::nullopt;
      return std::string(raw.substr(0, 2)) + *name;
    }
    case RecordType::a:
      return raw.size() == 4 ? std::optional(std::string(raw)) : std::nullopt;
    case RecordType::aaaa:
      return raw.size() == 16 ? std::optional(std::string(raw)) : std::nullopt;
    default:
      return std::string(raw);
  }
}

/// RFC 2308 §5: the lesser of the SOA's TTL and its MINIMUM, the record's last four bytes.
uint32_t negative_ttl(std::string_view packet, const std::vector<Record>& authority) {
  for (const Record& record : authority) {
    if (record.type != static_cast<uint16_t>(RecordType::soa) || record.data_size < 20) continue;
    Reader in{packet, record.data_at + record.data_size - 4, true};
    return std::min(record.ttl, in.number(4));
  }
  return 0;
}

}  // namespace

std::optional<std::string> normalize_name(std::string_view name) {
  if (name == ".") return std::string{};
  if (name.ends_with('.')) name.remove_suffix(1);
  if (name.empty() || name.size() > kMaxName) return std::nullopt;
  for (const std::string_view label : split(name, '.')) {
    if (label.empty() || label.size() > kMaxLabel) return std::nullopt;
    for (const char c : label)
      if (static_cast<unsigned char>(c) <= 0x20 || static_cast<unsigned char>(c) >= 0x7f || c == '\\')
        return std::nullopt;
  }
  return to_lower(name);
}

std::optional<std::string> read_name(std::string_view packet, size_t& at) {
  std::string out;
  size_t here = at;
  size_t floor = packet.size();  // a pointer must lead before all it came from
  bool jumped = false;
  for (int labels = 0; labels < kMaxLabels; ++labels) {
    if (here >= packet.size()) return std::nullopt;
    const auto size = static_cast<unsigned char>(packet[here]);
    if (size == 0) {
      if (!jumped) at = here + 1;
      return out;
    }
    if ((size & 0xc0) == 0xc0) {
      if (here + 1 >= packet.size()) return std::nullopt;
      const size_t target =
          static_cast<size_t>(size & 0x3f) << 8 | static_cast<unsigned char>(packet[here + 1]);
      if (!jumped) at = here + 2;
      jumped = true;
      if (target >= std::min(here, floor)) return std::nullopt;
      floor = here = target;
      continue;
    }
    if (size > kMaxLabel || packet.size() - here - 1 < size) return std::nullopt;
    if (!out.empty()) out += '.';
    for (const char c : packet.substr(here + 1, size)) {
      const auto u = static_cast<unsigned char>(c);
      if (u > 0x20 && u < 0x7f && c != '.' && c != '\\') {
        out += ascii_lower(c);
        continue;
      }
      out += '\\';
      out += static_cast<char>('0' + u / 100);
      out += static_cast<char>('0' + u / 10 % 10);
      out += static_cast<char>('0' + u % 10);
    }
    if (out.size() > 4 * kMaxName) return std::nullopt;
    here += 1 + size;
  }
  return std::nullopt;
}

std::string encode_mx(uint16_t preference, std::string_view host) {
  std::string out;
  out += static_cast<char>(preference >> 8);
  out += static_cast<char>(preference & 255);
  return out.append(host);
}

Result<RecordSet> read_answer(std::string_view packet, const std::string& name, RecordType type) {
  Reader in{packet, 0, true};
  in.number(2);
  const uint32_t flags = in.number(2);
  const uint32_t questions = in.number(2), answers = in.number(2), authorities = in.number(2);
  in.number(2);
  if (!in.ok || packet.size() < kHeader || (flags & 0x8000) == 0) return malformed("DNS answer is malformed");
  for (uint32_t i = 0; i < questions; ++i) {
    in.name();
    in.number(4);
    if (!in.ok) return malformed("DNS answer is malformed");
  }
  const auto answer = read_records(in, answers);
  const auto authority = answer ? read_records(in, authorities) : std::nullopt;
  if (!authority) return malformed("DNS answer is malformed");
  const uint32_t rcode = flags & 15;
  constexpr uint32_t kNoError = 0, kNxDomain = 3;
  if (rcode != kNoError && rcode != kNxDomain)
    return fail(Errc::server, "DNS server failure, rcode " + std::to_string(rcode), Retry::temporary);

  RecordSet out;
  out.canonical_name = name;
  uint32_t ttl = kMaxTtl;
  const auto find_cname = [&]() -> const Record* {
    for (const Record& record : *answer)
      if (record.type == static_cast<uint16_t>(RecordType::cname) && record.name == out.canonical_name)
        return &record;
    return nullptr;
  };
  for (int hop = 0; type != RecordType::cname; ++hop) {
    const Record* cname = find_cname();
    if (cname == nullptr) break;
    if (hop == kMaxCnames) return malformed("DNS aliases without end");
    auto target = read_data(packet, *cname, RecordType::cname);
    if (!target) return malformed("DNS alias is malformed");
    out.canonical_name = std::move(*target);
    ttl = std::min(ttl, cname->ttl);
  }
  for (const Record& record : *answer) {
    if (record.type != static_cast<uint16_t>(type) || record.name != out.canonical_name) continue;
    auto data = read_data(packet, record, type);
    if (!data) return malformed("DNS record is malformed");
    out.data.push_back(std::move(*data));
    ttl = std::min(ttl, record.ttl);
  }
  if (out.data.empty()) {
    out.existence = rcode == kNxDomain ? Existence::no_domain : Existence::no_data;
    ttl = std::min(ttl, negative_ttl(packet, *authority));
  }
  out.ttl = ttl;
  return out;
}

}  // namespace dromos::dns
