// Health of the five daemons and the database, asked at once and with short deadlines.
#include "admind/commands/common.h"
#include "admind/service/services.h"

namespace dromos::admind {

namespace {

constexpr milliseconds kPatience{1500};
// grpc.health.v1.HealthCheckResponse{status: SERVING}: field 1, varint 1. The request for the whole server is
// empty.
constexpr std::string_view kServing{"\x08\x01", 2};

struct Finding {
  std::string name;
  bool serving = false;
  std::string detail;
  double ms = 0;
};

double ms_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

Task<void> ask_daemon(Services& services, config::Daemon daemon, Finding& out) {
  const auto start = std::chrono::steady_clock::now();
  auto reply =
      co_await services.peer(daemon).call("/grpc.health.v1.Health/Check", "", Deadline::after(kPatience));
  out.ms = ms_since(start);
  out.serving = reply && *reply == kServing;
  out.detail = !reply ? reply.error().message() : out.serving ? "" : "answers, but does not serve";
}

Task<void> ask_database(Services& services, Finding& out) {
  const auto start = std::chrono::steady_clock::now();
  auto epoch = co_await services.directory.config_epoch(Deadline::after(kPatience));
  out.ms = ms_since(start);
  out.serving = epoch.has_value();
  if (!epoch) out.detail = epoch.error().message();
}

Task<Result<Reply>> show_health(Call& call) {
  std::array<Finding, config::kDaemonCount + 1> findings;
  TaskGroup group;
  for (size_t i = 0; i < config::kDaemonCount; ++i) {
    const auto daemon = static_cast<config::Daemon>(i);
    findings[i].name = config::to_string(daemon);
    group.spawn(ask_daemon(call.services, daemon, findings[i]));
  }
  findings.back().name = "postgresql";
  group.spawn(ask_database(call.services, findings.back()));
  co_await group.join();
  bool all = true;
  json parts = json::array();
  for (const auto& finding : findings) {
    all = all && finding.serving;
    parts.push_back({{"name", finding.name},
                     {"status", finding.serving ? "serving" : "down"},
                     {"detail", finding.detail},
                     {"ms", static_cast<int64_t>(finding.ms)}});
  }
  co_return Reply{{{"status", all ? "ok" : "degraded"}, {"parts", std::move(parts)}}, {}};
}

Resource make() {
  Resource out{"health", "Are all parts up?", {}, {}};
  out.schemas = {
      {"Health",
       "The suite as one.",
       {text("status", "ok if every part serves").need().one_of({"ok", "degraded"}),
        objects("parts", "HealthOfPart", "the five daemons and the database").need()}},
      {"HealthOfPart",
       "One part.",
       {text("name", "mta, imapd, jmapd, spamd, admind or postgresql").need(),
        text("status", "what it said").need().one_of({"serving", "down"}),
        text("detail", "why it is down").need(), integer("ms", "how long the answer took").need()}}};
  out.operations.push_back({.id = "showHealth",
                            .path = "/health",
                            .scope = "health:read",
                            .command = "health",
                            .summary = "Ask every part whether it serves",
                            .response = "Health",
                            .run = show_health});
  return out;
}

}  // namespace

Resource health() {
  return make();
}

}  // namespace dromos::admind
