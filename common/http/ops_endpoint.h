// /metrics, /healthz and /readyz of a daemon: `mount_ops(router, {.metrics = ..., .ready = ...});`
#pragma once

#include <functional>
#include <string>

#include "common/http/router.h"

namespace dromos::http {

struct OpsCallbacks {
  /// Prometheus text exposition 0.0.4.
  std::function<std::string()> metrics;
  /// Empty: alive. Otherwise what is wrong (503).
  std::function<std::string()> healthy;
  /// Empty: takes work. Otherwise why not yet or no longer (503).
  std::function<std::string()> ready;
};

/// Absent callbacks: no such route for metrics, "ok" for the others. Called on the serving reactor; must not
/// block.
void mount_ops(Router& router, OpsCallbacks callbacks);

}  // namespace dromos::http
