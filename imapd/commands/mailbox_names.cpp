#include "imapd/commands/mailbox_names.h"

#include "common/store/errc.h"
#include "imapd/protocol/mailbox_name.h"

namespace dromos::imapd {

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
