#include "common/metrics/metrics.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "common/base/assert.h"
#include "common/base/strings.h"

namespace dromos::metrics {

enum class Registry::Kind : uint8_t { counter, gauge, histogram, callback };

struct Registry::Family {
  Kind kind;
  std::string help;
  std::vector<double> bounds;
  std::function<double()> read;
  // Keyed by the rendered labels: `a="x",b="y"`.
  std::map<std::string, std::unique_ptr<Counter>> counters;
  std::map<std::string, std::unique_ptr<Gauge>> gauges;
  std::map<std::string, std::unique_ptr<Histogram>> histograms;
};

namespace {

constexpr std::string_view kDaemons[] = {"mta", "imapd", "jmapd", "spamd", "admind", "common"};
constexpr size_t kMaxName = 100;

bool is_word(std::string_view word) {
  return !word.empty() && is_alpha(word[0]) &&
         std::all_of(word.begin(), word.end(), [](char c) { return is_digit(c) || (c >= 'a' && c <= 'z'); });
}

/// Label names are words joined by "_"; `le` belongs to histograms.
bool is_label_name(std::string_view name) {
  const auto words = split(name, '_');
  return name != "le" && std::all_of(words.begin(), words.end(), is_word);
}

void append_number(std::string& out, double value) {
  if (std::isinf(value)) {
    out += value > 0 ? "+Inf" : "-Inf";
    return;
  }
  if (std::isnan(value)) {
    out += "NaN";
    return;
  }
  char buffer[32];
  const auto [end, ec] = std::to_chars(buffer, buffer + sizeof(buffer), value);
  if (ec == std::errc{}) out.append(buffer, end);
}

void append_escaped(std::string& out, std::string_view text, bool quotes) {
  for (const char c : clean_utf8(text)) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '"' && quotes) {
      out += "\\\"";
    } else {
      out += c;
    }
  }
}

std::string render(Labels labels, bool as_other) {
  std::string out;
  for (const Label& label : labels) {
    DROMOS_ASSERT(is_label_name(label.name));
    if (!out.empty()) out += ',';
    out += label.name;
    out += "=\"";
    append_escaped(out, as_other ? "other" : label.value, true);
    out += '"';
  }
  return out;
}

template <class T, class Make>
T& series(std::map<std::string, std::unique_ptr<T>>& all, Labels labels, Make make) {
  std::string key = render(labels, false);
  auto it = all.find(key);
  if (it == all.end() && all.size() >= kMaxSeries) {
    key = render(labels, true);
    it = all.find(key);
  }
  if (it == all.end()) it = all.emplace(std::move(key), make()).first;
  return *it->second;
}

void append_sample(std::string& out, std::string_view name, std::string_view labels, double value) {
  out += name;
  if (!labels.empty()) {
    out += '{';
    out += labels;
    out += '}';
  }
  out += ' ';
  append_number(out, value);
  out += '\n';
}

/// Exact beyond 2^53, which a double is not.
template <class Int>
void append_integer_sample(std::string& out, std::string_view name, std::string_view labels, Int value) {
  out += name;
  if (!labels.empty()) {
    out += '{';
    out += labels;
    out += '}';
  }
  out += ' ' + std::to_string(value) + '\n';
}

void append_histogram(std::string& out, const std::string& name, const std::string& labels,
                      const Histogram& h) {
  uint64_t below = 0;
  const std::string separator = labels.empty() ? "" : ",";
  for (size_t i = 0; i <= h.bounds().size(); ++i) {
    below += h.bucket(i);
    std::string bound;
    append_number(bound, i < h.bounds().size() ? h.bounds()[i] : INFINITY);
    append_integer_sample(out, name + "_bucket", labels + separator + "le=\"" + bound + "\"", below);
  }
  append_sample(out, name + "_sum", labels, h.sum());
  append_integer_sample(out, name + "_count", labels, below);  // agrees with the last bucket even under load
}

}  // namespace

Histogram::Histogram(std::vector<double> bounds)
    : bounds_(std::move(bounds)), buckets_(std::make_unique<std::atomic<uint64_t>[]>(bounds_.size() + 1)) {
  DROMOS_ASSERT(std::is_sorted(bounds_.begin(), bounds_.end()));
}

void Histogram::observe(double value) {
  const auto at = std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin();
  buckets_[static_cast<size_t>(at)].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(value, std::memory_order_relaxed);
}

uint64_t Histogram::count() const {
  uint64_t total = 0;
  for (size_t i = 0; i <= bounds_.size(); ++i) total += bucket(i);
  return total;
}

const std::vector<double>& latency_bounds() {
  static const std::vector<double> bounds = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                             0.1,    0.25,    0.5,    1,     2.5,    5,     10,   30,    60};
  return bounds;
}

const std::vector<double>& size_bounds() {
  static const std::vector<double> bounds = {1024,    4096,    16384,    65536,   262144,
                                             1048576, 4194304, 16777216, 67108864};
  return bounds;
}

bool is_valid_name(std::string_view name) {
  if (name.size() > kMaxName) return false;
  const auto words = split(name, '_');
  const size_t least = words.back() == "total" ? 4 : 3;
  return words.size() >= least && words[0] == "dromos" &&
         std::find(std::begin(kDaemons), std::end(kDaemons), words[1]) != std::end(kDaemons) &&
         std::all_of(words.begin(), words.end(), is_word);
}

Registry::Registry() = default;
Registry::~Registry() = default;

Registry& Registry::global() {
  static Registry* registry = new Registry();  // never destroyed: late threads may still count
  return *registry;
}

Registry::Family& Registry::family(Kind kind, std::string_view name, std::string_view help) {
  DROMOS_ASSERT(is_valid_name(name));
  DROMOS_ASSERT(name.ends_with("_total") == (kind == Kind::counter));
  auto it = families_.find(name);
  if (it == families_.end()) {
    it = families_.emplace(std::string(name), std::make_unique<Family>()).first;
    it->second->kind = kind;
    it->second->help = std::string(help);
  }
  DROMOS_ASSERT(it->second->kind == kind);
  return *it->second;
}

Counter& Registry::counter(std::string_view name, std::string_view help, Labels labels) {
  const std::lock_guard lock(mutex_);
  return series(family(Kind::counter, name, help).counters, labels,
                [] { return std::make_unique<Counter>(); });
}

Gauge& Registry::gauge(std::string_view name, std::string_view help, Labels labels) {
  const std::lock_guard lock(mutex_);
  return series(family(Kind::gauge, name, help).gauges, labels, [] { return std::make_unique<Gauge>(); });
}

Histogram& Registry::histogram(std::string_view name, std::string_view help,
                               const std::vector<double>& bounds, Labels labels) {
  const std::lock_guard lock(mutex_);
  Family& family_of_name = family(Kind::histogram, name, help);
  if (family_of_name.bounds.empty()) family_of_name.bounds = bounds;
  return series(family_of_name.histograms, labels,
                [&] { return std::make_unique<Histogram>(family_of_name.bounds); });
}

void Registry::gauge_callback(std::string_view name, std::string_view help, std::function<double()> read) {
  const std::lock_guard lock(mutex_);
  family(Kind::callback, name, help).read = std::move(read);
}

std::string Registry::expose() const {
  constexpr std::string_view kTypes[] = {"counter", "gauge", "histogram", "gauge"};
  const std::lock_guard lock(mutex_);
  std::string out;
  for (const auto& [name, family_of_name] : families_) {
    out += "# HELP " + name + ' ';
    append_escaped(out, family_of_name->help, false);
    out += "\n# TYPE " + name + ' ';
    out += kTypes[static_cast<size_t>(family_of_name->kind)];
    out += '\n';
    for (const auto& [labels, c] : family_of_name->counters)
      append_integer_sample(out, name, labels, c->value());
    for (const auto& [labels, g] : family_of_name->gauges)
      append_integer_sample(out, name, labels, g->value());
    for (const auto& [labels, h] : family_of_name->histograms) append_histogram(out, name, labels, *h);
    if (family_of_name->read) append_sample(out, name, "", family_of_name->read());
  }
  return out;
}

}  // namespace dromos::metrics
