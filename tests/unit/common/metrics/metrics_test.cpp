#include "common/metrics/metrics.h"

#include <catch2/catch.hpp>
#include <string>
#include <thread>
#include <vector>

using namespace dromos;

TEST_CASE("Names follow dromos_<daemon>_<noun>_<unit>", "[unit][metrics]") {
  for (const char* good :
       {"dromos_mta_messages_total", "dromos_imapd_snapshot_bytes", "dromos_common_loop_lag_seconds"}) {
    INFO(good);
    CHECK(metrics::is_valid_name(good));
  }
  const std::string too_long = "dromos_mta_" + std::string(100, 'x');
  for (const std::string& bad :
       {std::string(""), std::string("messages_total"), std::string("dromos_mta_total"),
        std::string("dromos_smtpd_messages_total"), std::string("dromos_mta_Messages_total"),
        std::string("dromos_mta__messages_total"), std::string("dromos_mta_mess-ages"),
        std::string("dromos_mta_messages_"), too_long}) {
    INFO(bad);
    CHECK_FALSE(metrics::is_valid_name(bad));
  }
}

TEST_CASE("The exposition lists each family once with its series", "[unit][metrics]") {
  metrics::Registry registry;
  registry.counter("dromos_mta_replies_total", "Replies sent.", {{"code", "250"}}).add(3);
  registry.counter("dromos_mta_replies_total", "Replies sent.", {{"code", "550"}}).add();
  registry.gauge("dromos_mta_sessions_open", "Sessions\nnow \\ here.").set(-2);
  registry.gauge_callback("dromos_mta_uptime_seconds", "Uptime.", [] { return 1.5; });
  CHECK(registry.expose() ==
        "# HELP dromos_mta_replies_total Replies sent.\n"
        "# TYPE dromos_mta_replies_total counter\n"
        "dromos_mta_replies_total{code=\"250\"} 3\n"
        "dromos_mta_replies_total{code=\"550\"} 1\n"
        "# HELP dromos_mta_sessions_open Sessions\\nnow \\\\ here.\n"
        "# TYPE dromos_mta_sessions_open gauge\n"
        "dromos_mta_sessions_open -2\n"
        "# HELP dromos_mta_uptime_seconds Uptime.\n"
        "# TYPE dromos_mta_uptime_seconds gauge\n"
        "dromos_mta_uptime_seconds 1.5\n");
}

TEST_CASE("Histogram buckets are cumulative, bounds inclusive", "[unit][metrics]") {
  metrics::Registry registry;
  auto& h = registry.histogram("dromos_mta_scan_seconds", "Scan.", {0.5, 1}, {{"result", "ham"}});
  for (const double value : {0.1, 0.5, 0.7, 5.0}) h.observe(value);
  CHECK(h.count() == 4);
  CHECK(registry.expose() ==
        "# HELP dromos_mta_scan_seconds Scan.\n"
        "# TYPE dromos_mta_scan_seconds histogram\n"
        "dromos_mta_scan_seconds_bucket{result=\"ham\",le=\"0.5\"} 2\n"
        "dromos_mta_scan_seconds_bucket{result=\"ham\",le=\"1\"} 3\n"
        "dromos_mta_scan_seconds_bucket{result=\"ham\",le=\"+Inf\"} 4\n"
        "dromos_mta_scan_seconds_sum{result=\"ham\"} 6.3\n"
        "dromos_mta_scan_seconds_count{result=\"ham\"} 4\n");
}

TEST_CASE("Label values are escaped and their number is bounded", "[unit][metrics]") {
  metrics::Registry registry;
  registry.counter("dromos_mta_helos_total", "x", {{"name", "a\"b\\\n\xff"}}).add();
  CHECK(registry.expose().find("{name=\"a\\\"b\\\\\\n\xEF\xBF\xBD\"} 1\n") != std::string::npos);
  for (size_t i = 0; i < metrics::kMaxSeries + 50; ++i) {
    registry.counter("dromos_mta_helos_total", "x", {{"name", std::to_string(i)}}).add();
  }
  CHECK(registry.expose().find("{name=\"other\"} 51\n") != std::string::npos);
}

TEST_CASE("The same name and labels give the same object", "[unit][metrics]") {
  metrics::Registry registry;
  auto& a = registry.counter("dromos_mta_x_total", "x", {{"k", "v"}});
  CHECK(&a == &registry.counter("dromos_mta_x_total", "x", {{"k", "v"}}));
  CHECK(&a != &registry.counter("dromos_mta_x_total", "x"));
}

TEST_CASE("Counts from several threads add up, and held gauges return to zero", "[unit][metrics]") {
  metrics::Registry registry;
  auto& counter = registry.counter("dromos_mta_x_total", "x");
  auto& gauge = registry.gauge("dromos_mta_x_open", "x");
  auto& histogram = registry.histogram("dromos_mta_x_seconds", "x", metrics::latency_bounds());
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) {
        metrics::Held held(gauge);
        metrics::Held moved(std::move(held));
        counter.add();
        histogram.observe(1);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(counter.value() == 4000);
  CHECK(gauge.value() == 0);
  CHECK(histogram.count() == 4000);
  CHECK(histogram.sum() == 4000);
}
