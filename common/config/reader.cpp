#include "common/config/reader.h"

#include <algorithm>
#include <fstream>
#include <iterator>

#include "common/base/strings.h"

namespace dromos::config {

namespace {

constexpr std::string_view kDurationForm = "a duration such as 500ms, 30s, 5m, 2h, 7d";
constexpr std::string_view kSizeForm = "a size such as 4096, 64KiB, 25MiB, 1GiB";
constexpr std::string_view kAddressForm =
    "an address such as 127.0.0.1:25, [::1]:25, :25 or unix:/run/dromos/x.sock";
constexpr size_t kMaxSecretFile = 64 << 10;
constexpr size_t kMaxComparedWord = 64;

size_t distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

}  // namespace

std::string nearest(std::string_view word, const std::vector<std::string>& known) {
  const std::string* best = nullptr;
  size_t best_distance = std::max<size_t>(2, word.size() / 3) + 1;
  if (word.size() > kMaxComparedWord) return "";
  for (const std::string& candidate : known) {
    const size_t d = distance(word, candidate);
    if (d < best_distance) {
      best = &candidate;
      best_distance = d;
    }
  }
  return best == nullptr ? "" : *best;
}

Reader::Reader(const Node& node, std::string key, Problems& problems)
    : node_(node), key_(std::move(key)), problems_(problems) {
  usable_ = node.kind == Node::Kind::map || node.kind == Node::Kind::null;
  if (!usable_) problems_.add({node.where, key_, "found " + node.describe() + "; allowed: a section"});
}

Reader::~Reader() {
  if (usable_) report_unknown();
}

void Reader::report_unknown() const {
  for (const auto& [key, value] : node_.entries) {
    if (std::find(asked_.begin(), asked_.end(), key) != asked_.end()) continue;
    const std::string guess = nearest(key, asked_);
    std::string what = "unknown key";
    if (!guess.empty()) what += "; did you mean \"" + guess + "\"?";
    what += " (allowed here: " + join(asked_, ", ") + ")";
    problems_.add({value.where, path(clean_utf8(key.substr(0, kMaxComparedWord))), std::move(what)});
  }
}

std::string Reader::path(std::string_view key) const {
  return key_.empty() ? std::string(key) : key_ + "." + std::string(key);
}

void Reader::fail(std::string_view key, std::string what) {
  const Node* node = node_.find(key);
  problems_.add({node != nullptr ? node->where : node_.where, path(key), std::move(what)});
}

void Reader::found(const Node& node, std::string_view key, std::string_view allowed) {
  problems_.add({node.where, path(key), "found " + node.describe() + "; allowed: " + std::string(allowed)});
}

const Node* Reader::take(std::string_view key) {
  if (std::find(asked_.begin(), asked_.end(), key) == asked_.end()) asked_.emplace_back(key);
  return usable_ ? node_.find(key) : nullptr;
}

/// Nothing for an absent key, and for one written without a value ("key:"), which keeps the default.
const Node* Reader::take_scalar(std::string_view key, std::string_view allowed) {
  const Node* node = take(key);
  if (node == nullptr || node->kind == Node::Kind::null) return nullptr;
  if (node->kind == Node::Kind::scalar) return node;
  found(*node, key, allowed);
  return nullptr;
}

void Reader::need(std::string_view key) {
  const Node* node = usable_ ? node_.find(key) : nullptr;
  if (node == nullptr || node->kind == Node::Kind::null) {
    problems_.add({node != nullptr ? node->where : node_.where, path(key), "is missing; it has no default"});
  }
}

void Reader::optional(std::string_view key, std::string& out) {
  if (const Node* node = take_scalar(key, "text")) out = node->scalar;
}

void Reader::optional(std::string_view key, bool& out) {
  const Node* node = take_scalar(key, "true or false");
  if (node == nullptr) return;
  if (const auto value = parse_bool(node->scalar)) {
    out = *value;
  } else {
    found(*node, key, "true or false");
  }
}

std::optional<uint64_t> Reader::number(std::string_view key, Range range) {
  const std::string allowed =
      "a whole number from " + std::to_string(range.low) + " to " + std::to_string(range.high);
  const Node* node = take_scalar(key, allowed);
  if (node == nullptr) return std::nullopt;
  const auto value = parse_number<uint64_t>(node->scalar);
  if (value && *value >= range.low && *value <= range.high) return value;
  found(*node, key, allowed);
  return std::nullopt;
}

void Reader::optional(std::string_view key, uint16_t& out, Range range) {
  if (const auto value = number(key, range)) out = static_cast<uint16_t>(*value);
}

void Reader::optional(std::string_view key, uint32_t& out, Range range) {
  if (const auto value = number(key, range)) out = static_cast<uint32_t>(*value);
}

void Reader::optional(std::string_view key, Duration& out) {
  const Node* node = take_scalar(key, kDurationForm);
  if (node == nullptr) return;
  if (const auto value = parse_duration(node->scalar)) {
    out = *value;
  } else {
    found(*node, key, kDurationForm);
  }
}

void Reader::optional(std::string_view key, ByteSize& out) {
  const Node* node = take_scalar(key, kSizeForm);
  if (node == nullptr) return;
  if (const auto value = parse_size(node->scalar)) {
    out = *value;
  } else {
    found(*node, key, kSizeForm);
  }
}

void Reader::optional(std::string_view key, SocketAddress& out) {
  const Node* node = take_scalar(key, kAddressForm);
  if (node == nullptr) return;
  if (auto value = parse_socket_address(node->scalar)) {
    out = std::move(*value);
  } else {
    found(*node, key, kAddressForm);
  }
}

void Reader::optional(std::string_view key, std::optional<HostPort>& out, uint16_t default_port) {
  constexpr std::string_view kForm = "a host such as smtp.example.net:587";
  const Node* node = take_scalar(key, kForm);
  if (node == nullptr) return;
  out = parse_host_port(node->scalar, default_port);
  if (!out) found(*node, key, kForm);
}

void Reader::each(std::string_view key, const std::function<void(const Node&, const std::string&)>& body) {
  const Node* node = take(key);
  if (node == nullptr || node->kind == Node::Kind::null) return;
  if (node->kind != Node::Kind::list) {
    body(*node, path(key));
    return;
  }
  size_t index = 0;
  for (const Node& item : node->items) body(item, path(key) + "[" + std::to_string(index++) + "]");
}

void Reader::optional(std::string_view key, std::vector<std::string>& out) {
  std::vector<std::string> values;
  each(key, [&](const Node& item, const std::string& name) {
    if (item.kind == Node::Kind::scalar) {
      values.push_back(item.scalar);
    } else {
      problems_.add({item.where, name, "found " + item.describe() + "; allowed: text"});
    }
  });
  if (const Node* node = take(key); node != nullptr && node->kind != Node::Kind::null)
    out = std::move(values);
}

void Reader::optional(std::string_view key, std::vector<SocketAddress>& out) {
  std::vector<SocketAddress> values;
  each(key, [&](const Node& item, const std::string& name) {
    auto value = item.kind == Node::Kind::scalar ? parse_socket_address(item.scalar) : std::nullopt;
    if (value) {
      values.push_back(std::move(*value));
    } else {
      problems_.add(
          {item.where, name, "found " + item.describe() + "; allowed: " + std::string(kAddressForm)});
    }
  });
  if (const Node* node = take(key); node != nullptr && node->kind != Node::Kind::null)
    out = std::move(values);
}

void Reader::one_of(std::string_view key, std::string& out, std::initializer_list<std::string_view> allowed) {
  std::string list;
  for (const std::string_view word : allowed) list += (list.empty() ? "" : ", ") + std::string(word);
  const Node* node = take_scalar(key, list);
  if (node == nullptr) return;
  if (std::find(allowed.begin(), allowed.end(), node->scalar) != allowed.end()) {
    out = node->scalar;
    return;
  }
  std::string what = "found " + node->describe() + "; allowed: " + list;
  const std::string guess = nearest(node->scalar, {allowed.begin(), allowed.end()});
  if (!guess.empty()) what += "; did you mean \"" + guess + "\"?";
  problems_.add({node->where, path(key), std::move(what)});
}

void Reader::secret(std::string_view key, SecretText& out, bool read_file) {
  const std::string file_key = std::string(key) + "_file";
  const Node* direct = take_scalar(key, "text");
  const Node* file = take_scalar(file_key, "the path of a file");
  if (direct != nullptr && file != nullptr) {
    fail(file_key, "found beside \"" + std::string(key) + "\"; allowed: one of the two");
    return;
  }
  if (direct != nullptr) out = SecretText(direct->scalar);
  if (file == nullptr || !read_file) return;
  std::ifstream in(file->scalar, std::ios::binary);
  std::string text(kMaxSecretFile + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(std::max<std::streamsize>(in.gcount(), 0)));
  if (text.size() > kMaxSecretFile || in.bad() || (text.empty() && !in.eof())) {
    fail(file_key,
         "cannot read the file " + file->describe() + "; allowed: a readable file of at most 64 KiB");
    return;
  }
  std::string line(trim(std::string_view(text).substr(0, text.find('\n'))));
  if (line.empty()) {
    fail(file_key,
         "the first line of " + file->describe() + " is empty; allowed: the secret on the first line");
    return;
  }
  out = SecretText(std::move(line));
}

void Reader::section(std::string_view key, const std::function<void(Reader&)>& body) {
  const Node* node = take(key);
  // An absent section is read like an empty one, so that missing required keys are reported.
  Node absent;
  if (node == nullptr) {
    absent.where = node_.where;
    node = &absent;
  }
  Reader inner(*node, path(key), problems_);
  body(inner);
}

}  // namespace dromos::config
