// Mailbox/query (RFC 8621 §2.3).
#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/base/strings.h"
#include "common/mime/charset.h"
#include "jmapd/methods/mailbox_type.h"
#include "jmapd/protocol/arguments.h"

namespace dromos::jmapd {
namespace {

using nlohmann::json;
using Boxes = std::vector<const store::Mailbox*>;

constexpr size_t kMaxDepth = 20;
constexpr size_t kMaxComparators = 20;

Outcome<bool> condition(const store::Mailbox& box, const std::string& name, const json& value) {
  if (name == "parentId") {
    if (value.is_null()) return !box.parent;
    return value.is_string() && box.parent && value == to_text(box.parent);
  }
  if (name == "name" && value.is_string())
    return mime::fold_case(box.name).find(mime::fold_case(value.get_ref<const std::string&>())) !=
           std::string::npos;
  if (name == "role") return value.is_null() ? box.special_use.empty() : value == box.special_use;
  if (name == "hasAnyRole" && value.is_boolean()) return box.special_use.empty() != value.get<bool>();
  if (name == "isSubscribed" && value.is_boolean()) return box.subscribed == value.get<bool>();
  return refuse("unsupportedFilter", "no such condition: " + name);
}

Outcome<bool> matches(const store::Mailbox& box, const json& filter, size_t depth) {
  if (!filter.is_object()) return invalid_arguments("a filter is an object");
  if (depth > kMaxDepth) return refuse("unsupportedFilter", "nested too deeply");
  const auto name = filter.find("operator");
  if (name == filter.end()) {
    bool all = true;
    for (const auto& item : filter.items()) {
      JR_TRY(const bool one, condition(box, item.key(), item.value()));
      all = all && one;
    }
    return all;
  }
  const auto list = filter.find("conditions");
  if (list == filter.end() || !list->is_array() || (*name != "AND" && *name != "OR" && *name != "NOT"))
    return invalid_arguments("an operator is AND, OR or NOT with conditions");
  bool any = false;
  bool all = true;
  for (const json& one : *list) {
    JR_TRY(const bool truth, matches(box, one, depth + 1));
    any = any || truth;
    all = all && truth;
  }
  return *name == "AND" ? all : *name == "OR" ? any : !any;
}

struct Comparator {
  std::string property;
  bool ascending = true;
};

Outcome<std::vector<Comparator>> read_comparators(const json* sort) {
  std::vector<Comparator> out;
  if (sort == nullptr) return out;
  if (sort->size() > kMaxComparators) return refuse("unsupportedSort", "too many comparators");
  for (const json& one : *sort) {
    if (!one.is_object() || !one.contains("property") || !one["property"].is_string())
      return invalid_arguments("a comparator has a property");
    Comparator comparator{one["property"].get<std::string>(), one.value("isAscending", json(true)) != false};
    if (comparator.property != "sortOrder" && comparator.property != "name")
      return refuse("unsupportedSort", "cannot sort by " + comparator.property);
    out.push_back(std::move(comparator));
  }
  return out;
}

void sort_boxes(Boxes& boxes, const std::vector<Comparator>& comparators) {
  std::sort(boxes.begin(), boxes.end(), [&](const store::Mailbox* a, const store::Mailbox* b) {
    for (const Comparator& one : comparators) {
      int order = a->sort_order < b->sort_order ? -1 : a->sort_order > b->sort_order;
      if (one.property == "name") order = mime::fold_case(a->name).compare(mime::fold_case(b->name));
      if (order != 0) return one.ascending ? order < 0 : order > 0;
    }
    return a->id < b->id;
  });
}

/// Children behind their parents, in the order they had.
void add_tree(const Boxes& sorted, MailboxId parent, Boxes& out) {
  for (const store::Mailbox* box : sorted) {
    if (box->parent != parent) continue;
    out.push_back(box);
    add_tree(sorted, box->id, out);
  }
}

}  // namespace

Task<Outcome<QueryAnswer>> MailboxType::query(Context& context, AccountId account, Arguments& arguments) {
  const json* filter = arguments.object("filter");
  const json* sort = arguments.array("sort");
  const bool sort_as_tree = arguments.boolean("sortAsTree", false);
  const bool filter_as_tree = arguments.boolean("filterAsTree", false);
  JM_CHECK(arguments.finish());
  JM_TRY(const auto comparators, read_comparators(sort));
  JM_TRY(const store::MailboxTree tree, co_await context.services.mailboxes.tree(account, context.deadline));
  Boxes all;
  std::set<MailboxId> kept;
  for (const store::Mailbox& box : tree.mailboxes) {
    all.push_back(&box);
    if (filter != nullptr) {
      JM_TRY(const bool match, matches(box, *filter, 0));
      if (!match) continue;
    }
    kept.insert(box.id);
  }
  sort_boxes(all, comparators);
  if (sort_as_tree) {
    Boxes ordered;
    add_tree(all, MailboxId{}, ordered);
    all = std::move(ordered);
  }
  QueryAnswer out;
  out.state = {tree.state_epoch, std::max(tree.mailbox_modseq, tree.email_modseq)};
  // A mailbox can move between answers when its parent changes.
  out.can_calculate_changes = !sort_as_tree && !filter_as_tree;
  for (const store::Mailbox* box : all) {
    bool keep = kept.contains(box->id);
    for (const store::Mailbox* up = box; keep && filter_as_tree && up->parent;) {
      up = tree.find(up->parent);
      keep = up != nullptr && kept.contains(up->id);
      if (up == nullptr) break;
    }
    if (keep) out.ids.push_back(to_text(box->id));
  }
  co_return out;
}

}  // namespace dromos::jmapd
