// Email (RFC 8621 §4): get, changes, query, queryChanges, set.
#pragma once

#include "jmapd/methods/object_type.h"

namespace dromos::jmapd {

class EmailType : public ObjectType {
 public:
  std::string_view name() const override { return "Email"; }
  std::string_view capability() const override { return kMail; }
  unsigned methods() const override { return kGet | kChanges | kQuery | kQueryChanges | kSet; }

  Task<Outcome<State>> state(Context& context, AccountId account) override;
  Task<Outcome<Found>> get(Context& context, AccountId account, std::optional<std::vector<std::string>> ids,
                           Arguments& arguments) override;
  Task<Outcome<ChangedIds>> changes(Context& context, AccountId account, int64_t since, size_t max) override;
  Task<Outcome<QueryAnswer>> query(Context& context, AccountId account, Arguments& arguments) override;
  Task<Outcome<nlohmann::json>> create(Context& context, AccountId account, nlohmann::json record) override;
  Task<Outcome<nlohmann::json>> update(Context& context, AccountId account, std::string id,
                                       nlohmann::json patch) override;
  Task<Outcome<void>> destroy(Context& context, AccountId account, std::string id) override;
};

}  // namespace dromos::jmapd
