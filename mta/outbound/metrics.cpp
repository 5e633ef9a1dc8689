#include "mta/outbound/metrics.h"

namespace dromos::mta::outbound_metrics {

metrics::Counter& attempts(std::string_view result) {
  return metrics::counter("dromos_mta_outbound_attempts_total", "Recipients tried, by result.",
                          {{"result", result}});
}
metrics::Counter& reports(std::string_view action) {
  return metrics::counter("dromos_mta_outbound_reports_total", "Delivery status notifications, by action.",
                          {{"action", action}});
}
metrics::Counter& possible_duplicates() {
  static metrics::Counter& counter =
      metrics::counter("dromos_mta_outbound_duplicates_total",
                       "Recipients whose delivery could not be written down under its lease.");
  return counter;
}
metrics::Counter& connections(std::string_view result) {
  return metrics::counter("dromos_mta_outbound_connections_total",
                          "Outbound connections: opened, reused, failed.", {{"result", result}});
}
metrics::Gauge& leased() {
  static metrics::Gauge& gauge =
      metrics::gauge("dromos_mta_outbound_leased_recipients", "Recipients leased by this process.");
  return gauge;
}
metrics::Gauge& sending() {
  static metrics::Gauge& gauge =
      metrics::gauge("dromos_mta_outbound_open_transactions", "Outbound transactions being made.");
  return gauge;
}
metrics::Gauge& queue_length(std::string_view transport) {
  return metrics::gauge("dromos_mta_queue_recipients", "Recipients in the queue, of all processes.",
                        {{"transport", transport}});
}
metrics::Histogram& attempt_seconds() {
  static metrics::Histogram& histogram =
      metrics::histogram("dromos_mta_outbound_attempt_seconds", "Time of one transaction, with connecting.");
  return histogram;
}
metrics::Histogram& delivery_seconds() {
  static metrics::Histogram& histogram =
      metrics::histogram("dromos_mta_outbound_delivery_seconds", "Time from acceptance to delivery.");
  return histogram;
}

}  // namespace dromos::mta::outbound_metrics
