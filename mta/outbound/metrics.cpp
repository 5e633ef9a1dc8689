#include "mta/outbound/metrics.h"

namespace dromos::mta::outbound_metrics {

dromos::metrics::Counter& attempts(std::string_view result) {
  return dromos::metrics::counter("dromos_mta_outbound_attempts_total", "Recipients tried, by result.",
                                  {{"result", result}});
}
dromos::metrics::Counter& reports(std::string_view action) {
  return dromos::metrics::counter("dromos_mta_outbound_reports_total",
                                  "Delivery status notifications, by action.", {{"action", action}});
}
dromos::metrics::Counter& possible_duplicates() {
  static dromos::metrics::Counter& counter =
      dromos::metrics::counter("dromos_mta_outbound_duplicates_total",
                               "Recipients whose delivery could not be written down under its lease.");
  return counter;
}
dromos::metrics::Counter& connections(std::string_view result) {
  return dromos::metrics::counter("dromos_mta_outbound_connections_total",
                                  "Outbound connections: opened, reused, failed.", {{"result", result}});
}
dromos::metrics::Gauge& leased() {
  static dromos::metrics::Gauge& gauge =
      dromos::metrics::gauge("dromos_mta_outbound_leased_recipients", "Recipients leased by this process.");
  return gauge;
}
dromos::metrics::Gauge& sending() {
  static dromos::metrics::Gauge& gauge =
      dromos::metrics::gauge("dromos_mta_outbound_open_transactions", "Outbound transactions being made.");
  return gauge;
}
dromos::metrics::Gauge& queue_length(std::string_view transport) {
  return dromos::metrics::gauge("dromos_mta_queue_recipients", "Recipients in the queue, of all processes.",
                                {{"transport", transport}});
}
dromos::metrics::Histogram& attempt_seconds() {
  static dromos::metrics::Histogram& histogram = dromos::metrics::histogram(
      "dromos_mta_outbound_attempt_seconds", "Time of one transaction, with connecting.");
  return histogram;
}
dromos::metrics::Histogram& delivery_seconds() {
  static dromos::metrics::Histogram& histogram =
      dromos::metrics::histogram("dromos_mta_outbound_delivery_seconds", "Time from acceptance to delivery.");
  return histogram;
}

}  // namespace dromos::mta::outbound_metrics
