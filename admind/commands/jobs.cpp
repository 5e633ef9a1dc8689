// Background jobs: when they ran, what they did, and running one now.
#include "common/jobs/jobs.h"

#include "admind/commands/common.h"
#include "admind/service/services.h"
#include "common/http/json.h"

namespace dromos::admind {

namespace {

json to_json(const jobs::JobState& job) {
  auto report = http::parse_json(job.report);
  return {{"name", job.name},
          {"running", job.running},
          {"due_at", to_rfc3339(job.due_us)},
          {"started_at", job.started_us == 0 ? json(nullptr) : json(to_rfc3339(job.started_us))},
          {"ended_at", job.ended_us == 0 ? json(nullptr) : json(to_rfc3339(job.ended_us))},
          {"failures", job.failures},
          {"report", report ? std::move(*report) : json::object()}};
}

Task<Result<Reply>> list_jobs(Call& call) {
  CO_TRY(const auto found, co_await jobs::list_jobs(call.services.pool, call.deadline));
  json items = json::array();
  for (const auto& job : found) items.push_back(to_json(job));
  co_return whole(std::move(items));
}

Task<Result<Reply>> run_job(Call& call) {
  CO_TRY_VOID(co_await jobs::run_soon(call.services.pool, call.path("name"), call.deadline));
  call.services.wake_job(call.path("name"));
  co_return Reply{};
}

Resource make() {
  Resource out{"jobs", "Background work: retention, collection, partitions.", {}, {}};
  out.schemas = {
      {"Job",
       "A background job.",
       {text("name", "such as admind.collect").need(), boolean("running", "somebody is at it").need(),
        time("due_at", "next run").need(), time("started_at", "last start").need().or_null(),
        time("ended_at", "last end").need().or_null(), integer("failures", "in a row").need(),
        object("report", "", "counts of the last round").need()}}};
  auto& ops = out.operations;
  ops.push_back({.id = "listJobs",
                 .path = "/jobs",
                 .scope = "jobs:read",
                 .command = "job list",
                 .summary = "List background jobs",
                 .response = "Job",
                 .list = true,
                 .run = list_jobs});
  ops.push_back({.id = "runJob",
                 .method = http::Method::post,
                 .path = "/jobs/{name}/run",
                 .scope = "jobs:write",
                 .command = "job run NAME",
                 .summary = "Make a job due now; a daemon takes it within half a minute",
                 .status = 204,
                 .problems = {404},
                 .run = run_job,
                 .announces = false});
  return out;
}

}  // namespace

Resource jobs() {
  return make();
}

}  // namespace dromos::admind
