// Mailbox (RFC 8621 §2): get, changes, query, queryChanges, set.
#pragma once

#include "jmapd/methods/object_type.h"

namespace dromos::jmapd {

class MailboxType : public ObjectType {
 public:
  std::string_view name() const override { return "Mailbox"; }
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
  void read_set_arguments(Context& context, Arguments& arguments) override;
  std::string depends_on(const nlohmann::json& record) const override;
  bool destroy_again(const MethodError& error) const override { return error.is("mailboxHasChild"); }
};

/// Count properties are null where `view` is.
nlohmann::json mailbox_object(const store::Mailbox& mailbox, const AccountView* view);

}  // namespace dromos::jmapd
