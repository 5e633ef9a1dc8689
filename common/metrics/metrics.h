// Counters, gauges and histograms, and their text exposition (Prometheus text format 0.0.4).
//
//   static metrics::Counter& accepted = metrics::counter("dromos_mta_messages_total", "Messages accepted.");
//   accepted.add();
//
// Names are dromos_<daemon>_<noun>_<unit>[_total] (`common` for shared libraries); a counter ends in _total,
// and nothing else does. A bad name, or one registered again as another kind, is a bug and ends the process.
// Look a metric up once and keep the reference: it lives as long as its Registry. Updating is a relaxed
// atomic and thread-safe; registering and writing take a lock. Label values are for few, known words (never
// addresses or account names): past kMaxSeries a metric counts further label sets in the series "other".
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dromos::metrics {

inline constexpr size_t kMaxSeries = 200;

class Counter {
 public:
  void add(uint64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

class Gauge {
 public:
  void set(int64_t value) { value_.store(value, std::memory_order_relaxed); }
  void add(int64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
  void sub(int64_t n = 1) { value_.fetch_sub(n, std::memory_order_relaxed); }
  int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> value_{0};
};

/// Holds a gauge one higher while it lives: sessions, requests in flight.
class Held {
 public:
  explicit Held(Gauge& gauge) : gauge_(&gauge) { gauge_->add(); }
  Held(Held&& other) noexcept : gauge_(std::exchange(other.gauge_, nullptr)) {}
  Held& operator=(Held&&) = delete;
  ~Held() {
    if (gauge_ != nullptr) gauge_->sub();
  }

 private:
  Gauge* gauge_;
};

/// Fixed upper bounds, ascending; an observation counts in the first bucket that is not below it.
class Histogram {
 public:
  explicit Histogram(std::vector<double> bounds);
  void observe(double value);
  uint64_t count() const;
  double sum() const { return sum_.load(std::memory_order_relaxed); }
  const std::vector<double>& bounds() const { return bounds_; }
  /// Observations in bucket `i` alone; bounds().size() is the one above all bounds.
  uint64_t bucket(size_t i) const { return buckets_[i].load(std::memory_order_relaxed); }

 private:
  const std::vector<double> bounds_;
  const std::unique_ptr<std::atomic<uint64_t>[]> buckets_;
  std::atomic<double> sum_{0};
};

/// Seconds from 0.1 ms to 60 s.
const std::vector<double>& latency_bounds();
/// Bytes from 1 KiB to 64 MiB.
const std::vector<double>& size_bounds();

struct Label {
  std::string_view name;
  std::string_view value;
};
using Labels = std::initializer_list<Label>;

class Registry {
 public:
  Registry();
  ~Registry();
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  Counter& counter(std::string_view name, std::string_view help, Labels labels = {});
  Gauge& gauge(std::string_view name, std::string_view help, Labels labels = {});
  /// `bounds` of the first registration hold for all series of the name.
  Histogram& histogram(std::string_view name, std::string_view help, const std::vector<double>& bounds,
                       Labels labels = {});
  /// A gauge that is asked when metrics are written; `read` is called from the writing thread.
  void gauge_callback(std::string_view name, std::string_view help, std::function<double()> read);

  /// Content-Type "text/plain; version=0.0.4".
  std::string expose() const;

  /// The process's registry.
  static Registry& global();

 private:
  struct Family;
  enum class Kind : uint8_t;
  Family& family(Kind kind, std::string_view name, std::string_view help);

  mutable std::mutex mutex_;
  std::map<std::string, std::unique_ptr<Family>, std::less<>> families_;
};

inline Counter& counter(std::string_view name, std::string_view help, Labels labels = {}) {
  return Registry::global().counter(name, help, labels);
}
inline Gauge& gauge(std::string_view name, std::string_view help, Labels labels = {}) {
  return Registry::global().gauge(name, help, labels);
}
inline Histogram& histogram(std::string_view name, std::string_view help,
                            const std::vector<double>& bounds = latency_bounds(), Labels labels = {}) {
  return Registry::global().histogram(name, help, bounds, labels);
}

/// dromos_<daemon>_<noun>_<unit>[_total]: lower-case words, at least four with _total, three without.
bool is_valid_name(std::string_view name);

}  // namespace dromos::metrics
