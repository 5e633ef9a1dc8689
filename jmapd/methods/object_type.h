// ObjectType: what a JMAP data type brings; the standard methods /get /changes /set /query /queryChanges
// (RFC 8620 §5) are written once over it. A type that lacks one leaves its bit out of methods().
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "common/async/task.h"
#include "jmapd/methods/context.h"

namespace dromos::jmapd {

enum StandardMethod : unsigned { kGet = 1, kChanges = 2, kSet = 4, kQuery = 8, kQueryChanges = 16 };

/// Ids that one /query may answer with; more is reached by position or anchor.
inline constexpr size_t kMaxQueryIds = 10'000;

struct Found {
  Found();
  ~Found();
  Found(Found&&) noexcept;
  Found& operator=(Found&&) noexcept;
  State state;
  std::unique_ptr<nlohmann::json> list;  // an array
  std::vector<std::string> not_found;
};

struct ChangedIds {
  State new_state;
  bool more = false;
  std::vector<std::string> created, updated, destroyed;
  /// Mailbox: only these properties changed in `updated`.
  std::optional<std::vector<std::string>> updated_properties;
};

struct QueryAnswer {
  State state;
  std::vector<std::string> ids;  ///< all, in order
  bool can_calculate_changes = true;
};

class ObjectType {
 public:
  virtual ~ObjectType() = default;
  virtual std::string_view name() const = 0;
  virtual std::string_view capability() const = 0;
  virtual unsigned methods() const = 0;

  virtual Task<Outcome<State>> state(Context& context, AccountId account) = 0;
  /// `ids` nothing: all. Reads what else it understands from `arguments`, then calls finish().
  virtual Task<Outcome<Found>> get(Context& context, AccountId account,
                                   std::optional<std::vector<std::string>> ids, Arguments& arguments) = 0;
  /// `max` 0: no limit asked for. cannotCalculateChanges is the caller's when epochs differ.
  virtual Task<Outcome<ChangedIds>> changes(Context& context, AccountId account, int64_t since, size_t max);
  virtual Task<Outcome<QueryAnswer>> query(Context& context, AccountId account, Arguments& arguments);

  /// The server-set properties of the new record, "id" among them.
  virtual Task<Outcome<nlohmann::json>> create(Context& context, AccountId account, nlohmann::json record);
  /// Server-set properties that changed otherwise than asked, or null.
  virtual Task<Outcome<nlohmann::json>> update(Context& context, AccountId account, std::string id,
                                               nlohmann::json patch);
  virtual Task<Outcome<void>> destroy(Context& context, AccountId account, std::string id);
  /// Further arguments of /set, kept for the calls above.
  virtual void read_set_arguments(Context& context, Arguments& arguments);
  /// Creation id of another record that must be made before this one, or "".
  virtual std::string depends_on(const nlohmann::json& record) const;
  /// Whether a record that could not be destroyed may go once others are gone.
  virtual bool destroy_again(const MethodError& error) const;
};

Task<Outcome<nlohmann::json>> standard_get(Context& context, ObjectType& type, nlohmann::json arguments);
Task<Outcome<nlohmann::json>> standard_changes(Context& context, ObjectType& type, nlohmann::json arguments);
Task<Outcome<nlohmann::json>> standard_set(Context& context, ObjectType& type, nlohmann::json arguments);
Task<Outcome<nlohmann::json>> standard_query(Context& context, ObjectType& type, nlohmann::json arguments);
Task<Outcome<nlohmann::json>> standard_query_changes(Context& context, ObjectType& type,
                                                     nlohmann::json arguments);

/// A SetError or the arguments of a method's "error" answer.
nlohmann::json error_json(const MethodError& error);

}  // namespace dromos::jmapd
