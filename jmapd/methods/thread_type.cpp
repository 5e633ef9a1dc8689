// Thread (RFC 8621 §3): get, changes.
#include <map>
#include <nlohmann/json.hpp>

#include "common/store/errc.h"
#include "jmapd/methods/types.h"
#include "jmapd/protocol/arguments.h"

namespace dromos::jmapd {
namespace {

using nlohmann::json;

class ThreadType : public ObjectType {
 public:
  std::string_view name() const override { return "Thread"; }
  std::string_view capability() const override { return kMail; }
  unsigned methods() const override { return kGet | kChanges; }

  Task<Outcome<State>> state(Context& context, AccountId account) override {
    JM_TRY(const store::AccountStates states,
           co_await context.services.changes.states(account, context.deadline));
    co_return State{states.epoch, states.thread};
  }

  Task<Outcome<Found>> get(Context& context, AccountId account, std::optional<std::vector<std::string>> ids,
                           Arguments& arguments) override {
    const auto properties = arguments.texts("properties");
    JM_CHECK(arguments.finish());
    bool with_emails = !properties;
    for (const std::string& name : properties.value_or(std::vector<std::string>{})) {
      if (name != "id" && name != "emailIds") co_return invalid_arguments("no such property: " + name);
      with_emails = with_emails || name == "emailIds";
    }
    Found found;
    JM_TRY(found.state, co_await state(context, account));
    std::vector<ThreadId> wanted;
    if (ids) {
      for (const std::string& id : *ids) {
        if (const auto parsed = parse_thread_id(id))
          wanted.push_back(*parsed);
        else
          found.not_found.push_back(id);
      }
    } else {
      JM_TRY(const AccountData data, co_await context.services.account(account, context.deadline));
      std::set<ThreadId> all;
      for (const EmailRow& row : data.view->emails()) all.insert(row.thread);
      if (all.size() > context.limits().objects_in_get) co_return refuse("requestTooLarge");
      wanted.assign(all.begin(), all.end());
    }
    JM_TRY(const auto members, co_await context.services.threads.members(account, wanted, context.deadline));
    std::map<ThreadId, json> emails;
    for (const store::ThreadMember& member : members) {
      json& list = emails.try_emplace(member.thread, json::array()).first->second;
      list.push_back(to_text(member.id));
    }
    for (const ThreadId& id : wanted) {
      const auto at = emails.find(id);
      if (at == emails.end()) {
        if (ids) found.not_found.push_back(to_text(id));
        continue;
      }
      json thread = {{"id", to_text(id)}};
      if (with_emails) thread["emailIds"] = std::move(at->second);
      found.list->push_back(std::move(thread));
    }
    co_return found;
  }

  Task<Outcome<ChangedIds>> changes(Context& context, AccountId account, int64_t since, size_t max) override {
    JM_TRY(const State current, co_await state(context, account));
    auto changed = co_await context.services.changes.threads(account, since, max == 0 ? SIZE_MAX : max,
                                                             context.deadline);
    if (!changed && changed.error().is(store::StoreErrc::cannot_change))
      co_return refuse("cannotCalculateChanges");
    if (!changed) co_return tl::unexpected<MethodError>(std::move(changed).error());
    ChangedIds out;
    out.new_state = {current.epoch, changed->more ? changed->new_modseq : std::max(current.modseq, since)};
    out.more = changed->more;
    for (const ThreadId& id : changed->created) out.created.push_back(to_text(id));
    for (const ThreadId& id : changed->updated) out.updated.push_back(to_text(id));
    for (const ThreadId& id : changed->destroyed) out.destroyed.push_back(to_text(id));
    co_return out;
  }
};

}  // namespace

std::shared_ptr<ObjectType> make_thread_type() {
  return std::make_shared<ThreadType>();
}

}  // namespace dromos::jmapd
