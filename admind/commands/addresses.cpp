// Aliases and groups: addresses that lead to others.
#include "admind/commands/common.h"
#include "admind/service/services.h"
#include "common/directory/address_text.h"

namespace dromos::admind {

namespace {

using directory::AddressKind;

json to_json(const directory::Address& address) {
  return {{"address", address.address},           {"targets", address.targets},
          {"display_name", address.display_name}, {"send_as", address.send_as},
          {"enabled", address.enabled},           {"created_at", to_rfc3339(address.created_us)}};
}

Task<Result<directory::Address>> find(Call& call, AddressKind kind, std::string address) {
  CO_TRY(auto found, co_await call.services.admin.get_address(address, call.deadline));
  if (found.kind != kind)
    co_return fail(Errc::not_found, address + " is something else; look among aliases and groups");
  co_return found;
}

Task<Result<Reply>> show(Call& call, AddressKind kind, std::string address) {
  CO_TRY(auto found, co_await find(call, kind, std::move(address)));
  co_return Reply{to_json(found), {}};
}

Task<Result<Reply>> list(Call& call, AddressKind kind) {
  const Page page = page_of(call);
  directory::AddressFilter filter;
  CO_TRY(filter.after, after_number(page));
  if (call.query.contains("domain")) {
    CO_TRY(filter.domain, directory::domain_to_ascii(call.word("domain")));
  }
  filter.kind = kind;
  filter.limit = page.limit + 1;
  CO_TRY(auto found, co_await call.services.admin.list_addresses(std::move(filter), call.deadline));
  co_return paged(
      std::move(found), page, [](const auto& a) { return to_json(a); },
      [](const auto& a) { return std::to_string(a.id); });
}

Task<Result<Reply>> create(Call& call, AddressKind kind) {
  directory::NewAddress fresh;
  fresh.kind = kind;
  fresh.address = call.get<std::string>("address", "");
  fresh.targets = call.get<std::vector<std::string>>("targets", {});
  fresh.display_name = call.get<std::string>("display_name", "");
  fresh.send_as = call.get("send_as", true);
  fresh.enabled = call.get("enabled", true);
  const std::string address = fresh.address;
  call.object = address;
  auto there = co_await call.services.admin.get_address(address, call.deadline);
  if (there) co_return fail(Errc::already_exists, address + " exists already");
  if (!there.error().is(Errc::not_found)) co_return fail(there.error());
  CO_TRY_VOID(co_await call.services.admin.put_address(std::move(fresh), call.deadline));
  co_return co_await show(call, kind, address);
}

Task<Result<Reply>> update(Call& call, AddressKind kind) {
  CO_TRY(const auto now, co_await find(call, kind, call.path("address")));
  directory::NewAddress changed;
  changed.kind = kind;
  changed.address = now.address;
  changed.targets = call.get("targets", now.targets);
  changed.display_name = call.get("display_name", now.display_name);
  changed.send_as = call.get("send_as", now.send_as);
  changed.enabled = call.get("enabled", now.enabled);
  CO_TRY_VOID(co_await call.services.admin.put_address(std::move(changed), call.deadline));
  co_return co_await show(call, kind, now.address);
}

Task<Result<Reply>> remove(Call& call, AddressKind kind) {
  CO_TRY(const auto now, co_await find(call, kind, call.path("address")));
  CO_TRY_VOID(co_await call.services.admin.delete_address(now.address, call.deadline));
  co_return Reply{};
}

template <AddressKind kind>
Task<Result<Reply>> list_of(Call& call) {
  return list(call, kind);
}
template <AddressKind kind>
Task<Result<Reply>> create_of(Call& call) {
  return create(call, kind);
}
template <AddressKind kind>
Task<Result<Reply>> show_of(Call& call) {
  return show(call, kind, call.path("address"));
}
template <AddressKind kind>
Task<Result<Reply>> update_of(Call& call) {
  return update(call, kind);
}
template <AddressKind kind>
Task<Result<Reply>> remove_of(Call& call) {
  return remove(call, kind);
}

std::vector<Field> properties(bool all) {
  Field targets = texts("targets", "addresses, local or elsewhere").within(1, kMaxTexts);
  targets.required = all;
  return {std::move(targets), text("display_name", "what it is for").within(0, 200),
          boolean("send_as", "who gets its mail may also write in its name"),
          boolean("enabled", "false: refuses mail")};
}

template <AddressKind kind>
void add(std::vector<Operation>& ops, const std::string& word, const std::string& plural,
         const std::string& title, const std::string& plural_title) {
  const std::string one = "/" + plural + "/{address}", read = plural + ":read", write = plural + ":write";
  std::vector<Field> fresh = properties(true);
  fresh.insert(fresh.begin(), text("address", "local@domain").need().within(3, 320));
  ops.push_back({.id = "list" + plural_title,
                 .path = "/" + plural,
                 .scope = read,
                 .command = word + " list",
                 .summary = "List " + plural,
                 .query = page_fields({text("domain", "only of this domain").within(1, 253)}),
                 .response = "Address",
                 .list = true,
                 .run = list_of<kind>});
  ops.push_back({.id = "create" + title,
                 .method = http::Method::post,
                 .path = "/" + plural,
                 .scope = write,
                 .command = word + " create ADDRESS TARGETS...",
                 .summary = "Create an entry of " + plural,
                 .body = std::move(fresh),
                 .response = "Address",
                 .status = 201,
                 .problems = {404},
                 .run = create_of<kind>});
  ops.push_back({.id = "show" + title,
                 .path = one,
                 .scope = read,
                 .command = word + " show ADDRESS",
                 .summary = "Show one of the " + plural,
                 .response = "Address",
                 .problems = {404},
                 .run = show_of<kind>});
  ops.push_back({.id = "update" + title,
                 .method = http::Method::patch,
                 .path = one,
                 .scope = write,
                 .command = word + " update ADDRESS",
                 .summary = "Change one of the " + plural,
                 .body = properties(false),
                 .response = "Address",
                 .problems = {404},
                 .run = update_of<kind>});
  ops.push_back({.id = "delete" + title,
                 .method = http::Method::delete_,
                 .path = one,
                 .scope = write,
                 .command = word + " delete ADDRESS",
                 .summary = "Delete one of the " + plural,
                 .status = 204,
                 .problems = {404},
                 .run = remove_of<kind>});
}

Resource make() {
  Resource out{"addresses", "Aliases and groups: addresses that lead to others.", {}, {}};
  auto fields = properties(true);
  for (auto& field : fields) field.required = true;
  fields.insert(fields.begin(), text("address", "local@domain").need());
  fields.push_back(time("created_at", "when it was made").need());
  out.schemas = {{"Address", "An alias or a group.", std::move(fields)}};
  add<AddressKind::alias>(out.operations, "alias", "aliases", "Alias", "Aliases");
  add<AddressKind::group>(out.operations, "group", "groups", "Group", "Groups");
  return out;
}

}  // namespace

Resource addresses() {
  return make();
}

}  // namespace dromos::admind
