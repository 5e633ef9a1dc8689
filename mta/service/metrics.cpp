#include "mta/service/metrics.h"

#include <array>
#include <string>

namespace dromos::mta::metrics {
namespace {

namespace m = dromos::metrics;

/// One counter a word of a small fixed list; what is not in it counts as the last.
template <size_t N>
class Family {
 public:
  Family(std::string_view name, std::string_view help, std::string_view label,
         std::array<std::string_view, N> words)
      : words_(words) {
    for (size_t i = 0; i < N; ++i) counters_[i] = &m::counter(name, help, {{label, words[i]}});
  }
  Counter& of(std::string_view word) const {
    for (size_t i = 0; i < N; ++i)
      if (words_[i] == word) return *counters_[i];
    return *counters_[N - 1];
  }

 private:
  std::array<std::string_view, N> words_;
  std::array<Counter*, N> counters_{};
};

}  // namespace

Counter& reply(int code) {
  static const Family<4> family("dromos_mta_replies_sent_total", "Replies by class.", "class",
                                {"2", "3", "4", "5"});
  const char digit = static_cast<char>('0' + code / 100);
  return family.of(std::string_view(&digit, 1));
}

Counter& messages(std::string_view result) {
  static const Family<3> family("dromos_mta_messages_received_total", "Messages by outcome.", "result",
                                {"accepted", "refused", "deferred"});
  return family.of(result);
}

Counter& recipients(std::string_view result) {
  static const Family<3> family("dromos_mta_recipients_handled_total", "Recipients by outcome.", "result",
                                {"stored", "queued", "refused"});
  return family.of(result);
}

Counter& logins(std::string_view result) {
  static const Family<3> family("dromos_mta_logins_tried_total", "AUTH by outcome.", "result",
                                {"accepted", "refused", "deferred"});
  return family.of(result);
}

Counter& scans(std::string_view verdict) {
  static const Family<4> family("dromos_mta_messages_scanned_total", "Scans by verdict.", "verdict",
                                {"ham", "unsure", "spam", "unscanned"});
  return family.of(verdict);
}

Counter& connections() {
  static Counter& counter = m::counter("dromos_mta_connections_accepted_total", "Connections served.");
  return counter;
}

Counter& connections_refused() {
  static Counter& counter =
      m::counter("dromos_mta_connections_refused_total", "Connections answered 421 by a limit.");
  return counter;
}

Counter& trace_dropped() {
  static Counter& counter =
      m::counter("dromos_mta_trace_dropped_total", "Trace events of refused mail that were lost.");
  return counter;
}

Gauge& sessions() {
  static Gauge& gauge = m::gauge("dromos_mta_sessions_open", "SMTP and LMTP sessions.");
  return gauge;
}

Histogram& scan_seconds() {
  static Histogram& histogram = m::histogram("dromos_mta_scan_seconds", "Time spamd took.");
  return histogram;
}

Histogram& commit_seconds() {
  static Histogram& histogram = m::histogram("dromos_mta_commit_seconds", "Time a delivery took.");
  return histogram;
}

Histogram& message_bytes() {
  static Histogram& histogram =
      m::histogram("dromos_mta_message_bytes", "Size of accepted messages.", m::size_bounds());
  return histogram;
}

}  // namespace dromos::mta::metrics
