// Domains and their catch-all.
#include "admind/commands/common.h"
#include "admind/service/services.h"
#include "common/directory/address_text.h"

namespace dromos::admind {

namespace {

json to_json(const directory::Domain& domain) {
  return {{"name", domain.name},
          {"enabled", domain.enabled},
          {"scram_sha1", domain.scram_sha1},
          {"catch_all", domain.catch_all},
          {"accounts", domain.accounts},
          {"created_at", to_rfc3339(domain.created_us)}};
}

// The list is ordered by byte, and nothing but `name` itself lies between `name` less its last letter's
// successor-free neighbour and `name`: "~" is above every letter a domain may hold.
std::string just_before(std::string name) {
  if (!name.empty()) --name.back();
  return name + "~";
}

Task<Result<Reply>> show_named(Call& call, std::string given) {
  CO_TRY(const std::string name, directory::domain_to_ascii(given));
  CO_TRY(auto found, co_await call.services.admin.list_domains(just_before(name), 1, call.deadline));
  if (found.empty() || found[0].name != name) co_return fail(Errc::not_found, "no such domain: " + name);
  co_return Reply{to_json(found[0]), {}};
}

Task<Result<Reply>> list_domains(Call& call) {
  const Page page = page_of(call);
  CO_TRY(auto found, co_await call.services.admin.list_domains(page.after, page.limit + 1, call.deadline));
  co_return paged(
      std::move(found), page, [](const auto& d) { return to_json(d); }, [](const auto& d) { return d.name; });
}

Task<Result<Reply>> create_domain(Call& call) {
  directory::NewDomain fresh;
  fresh.name = call.get<std::string>("name", "");
  fresh.enabled = call.get("enabled", true);
  fresh.scram_sha1 = call.get("scram_sha1", false);
  call.object = fresh.name;
  CO_TRY_VOID(co_await call.services.admin.create_domain(std::move(fresh), call.deadline));
  co_return co_await show_named(call, call.object);
}

Task<Result<Reply>> show_domain(Call& call) {
  co_return co_await show_named(call, call.path("domain"));
}

Task<Result<Reply>> update_domain(Call& call) {
  directory::DomainChange change;
  change.enabled = call.maybe<bool>("enabled");
  change.scram_sha1 = call.maybe<bool>("scram_sha1");
  CO_TRY_VOID(co_await call.services.admin.update_domain(call.path("domain"), change, call.deadline));
  co_return co_await show_named(call, call.path("domain"));
}

Task<Result<Reply>> delete_domain(Call& call) {
  CO_TRY_VOID(co_await call.services.admin.delete_domain(call.path("domain"), call.deadline));
  co_return Reply{};
}

Task<Result<Reply>> put_catch_all(Call& call) {
  directory::NewAddress address;
  address.kind = directory::AddressKind::catch_all;
  address.address = "@" + call.path("domain");
  address.targets = call.get<std::vector<std::string>>("targets", {});
  CO_TRY_VOID(co_await call.services.admin.put_address(std::move(address), call.deadline));
  co_return co_await show_named(call, call.path("domain"));
}

Task<Result<Reply>> delete_catch_all(Call& call) {
  CO_TRY_VOID(co_await call.services.admin.delete_address("@" + call.path("domain"), call.deadline));
  co_return Reply{};
}

Field enabled() {
  return boolean("enabled", "false: its mail is refused and nobody of it may log in");
}
Field scram_sha1() {
  return boolean("scram_sha1", "also keep SCRAM-SHA-1 verifiers, for old clients");
}

Resource make() {
  Resource out{"domains", "Domains whose mail is ours, and where mail for unknown addresses goes.", {}, {}};
  out.schemas = {{"Domain",
                  "A local domain.",
                  {text("name", "lower-case A-labels").need(), enabled().need(), scram_sha1().need(),
                   texts("catch_all", "where mail for unknown addresses goes; empty: it is refused").need(),
                   integer("accounts", "how many accounts it has").need(),
                   time("created_at", "when it was made").need()}}};
  const Field name = text("name", "the domain, U-labels allowed").need().within(1, 253);
  auto& ops = out.operations;
  ops.push_back({.id = "listDomains",
                 .path = "/domains",
                 .scope = "domains:read",
                 .command = "domain list",
                 .summary = "List domains by name",
                 .query = page_fields(),
                 .response = "Domain",
                 .list = true,
                 .run = list_domains});
  ops.push_back({.id = "createDomain",
                 .method = http::Method::post,
                 .path = "/domains",
                 .scope = "domains:write",
                 .command = "domain create NAME",
                 .summary = "Create a domain",
                 .body = {name, enabled(), scram_sha1()},
                 .response = "Domain",
                 .status = 201,
                 .run = create_domain});
  ops.push_back({.id = "showDomain",
                 .path = "/domains/{domain}",
                 .scope = "domains:read",
                 .command = "domain show DOMAIN",
                 .summary = "Show a domain",
                 .response = "Domain",
                 .problems = {404},
                 .run = show_domain});
  ops.push_back({.id = "updateDomain",
                 .method = http::Method::patch,
                 .path = "/domains/{domain}",
                 .scope = "domains:write",
                 .command = "domain update DOMAIN",
                 .summary = "Change a domain",
                 .body = {enabled(), scram_sha1()},
                 .response = "Domain",
                 .problems = {404},
                 .run = update_domain});
  ops.push_back({.id = "deleteDomain",
                 .method = http::Method::delete_,
                 .path = "/domains/{domain}",
                 .scope = "domains:write",
                 .command = "domain delete DOMAIN",
                 .summary = "Delete a domain that has no addresses",
                 .status = 204,
                 .problems = {404, 409},
                 .run = delete_domain});
  ops.push_back({.id = "putCatchAll",
                 .method = http::Method::put,
                 .path = "/domains/{domain}/catch-all",
                 .scope = "domains:write",
                 .command = "domain catch-all DOMAIN TARGETS...",
                 .summary = "Send mail for unknown addresses somewhere",
                 .body = {texts("targets", "addresses").need().within(1, kMaxTexts)},
                 .response = "Domain",
                 .problems = {404},
                 .run = put_catch_all});
  ops.push_back({.id = "deleteCatchAll",
                 .method = http::Method::delete_,
                 .path = "/domains/{domain}/catch-all",
                 .scope = "domains:write",
                 .command = "domain no-catch-all DOMAIN",
                 .summary = "Refuse mail for unknown addresses again",
                 .status = 204,
                 .problems = {404},
                 .run = delete_catch_all});
  return out;
}

}  // namespace

Resource domains() {
  return make();
}

}  // namespace dromos::admind
