// The audit log: every change through this API, who made it and from where. Secrets are never in it.
#include "admind/commands/common.h"
#include "admind/service/services.h"
#include "common/http/json.h"

namespace dromos::admind {

namespace {

json to_json(const directory::AuditEntry& entry) {
  auto detail = http::parse_json(entry.detail);
  return {{"id", std::to_string(entry.id)},
          {"at", to_rfc3339(entry.at_us)},
          {"actor", entry.actor},
          {"remote", entry.remote},
          {"action", entry.action},
          {"object", entry.object},
          {"detail", detail ? std::move(*detail) : json::object()}};
}

Task<Result<Reply>> list_audit(Call& call) {
  const Page page = page_of(call);
  CO_TRY(const int64_t before, after_number(page));
  CO_TRY(auto rows, co_await call.services.administrators.audit_log(call.word("object"), before,
                                                                    page.limit + 1, call.deadline));
  co_return paged(
      std::move(rows), page, [](const auto& e) { return to_json(e); },
      [](const auto& e) { return std::to_string(e.id); });
}

Resource make() {
  Resource out{"audit", "Every change, and who made it.", {}, {}};
  out.schemas = {
      {"AuditEntry",
       "One change.",
       {text("id", "grows with time").need(), time("at", "when").need(),
        text("actor", "admin:NAME, account:ADDRESS or dromosctl").need(), text("remote", "from where").need(),
        text("action", "operationId").need(), text("object", "what was changed").need(),
        object("detail", "", "what was asked for, without secrets").need()}}};
  out.operations.push_back(
      {.id = "listAudit",
       .path = "/audit",
       .scope = "audit:read",
       .command = "audit list",
       .summary = "List changes, newest first",
       .query = page_fields({text("object", "only of this address, domain or name").within(1, 320)}),
       .response = "AuditEntry",
       .list = true,
       .run = list_audit});
  return out;
}

}  // namespace

Resource audit() {
  return make();
}

}  // namespace dromos::admind
