#include "imapd/commands/mailbox_names.h"

#include "common/base/strings.h"
#include "common/store/errc.h"
#include "imapd/protocol/mailbox_name.h"

namespace dromos::imapd {

std::vector<std::string> path_of_name(std::string_view name) {
  std::vector<std::string> path;
  for (const std::string_view level : split(name, kSeparator)) path.emplace_back(level);
  return path;
}

std::string name_of_path(const std::vector<std::string>& path) {
  return join(path, std::string_view(&kSeparator, 1));
}

Result<std::string> name_from_wire(const Context& context, std::string_view wire) {
  auto name = mailbox_from_wire(wire, context.utf8());
  if (!name) return fail(store::StoreErrc::not_allowed, name.error().message());
  return name;
}

Task<Result<NamedMailbox>> find_mailbox(Context& context, std::string wire, bool selectable,
                                        store::Rights needed) {
  CO_TRY(std::string name, name_from_wire(context, wire));
  co_return co_await find_mailbox_by_name(context, std::move(name), selectable, needed);
}

Task<Result<NamedMailbox>> find_mailbox_by_name(Context& context, std::string name, bool selectable,
                                                store::Rights needed) {
  CO_TRY(auto place,
         co_await find_place(context.worker, context.account(), std::move(name), context.store_deadline()));
  if (!place.found || (selectable && !place.found->mailbox.selectable))
    co_return fail(store::StoreErrc::not_found, "no such mailbox");
  if (!place.found->may(needed)) co_return fail(missing_right(place.found->rights));
  co_return std::move(*place.found);
}

}  // namespace dromos::imapd
