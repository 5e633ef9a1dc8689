// GETMETADATA and SETMETADATA (RFC 5464), for mailboxes and the server. Shared entries of the server are
// nobody's to set here. What others change is told by metadata_watch.h.
#include "imapd/commands/metadata.h"

#include <algorithm>
#include <set>

#include "common/base/strings.h"
#include "common/store/errc.h"
#include "imapd/commands/handlers.h"
#include "imapd/commands/mailbox_names.h"
#include "imapd/commands/metadata_watch.h"

namespace dromos::imapd {
namespace {

constexpr size_t kMaxValue = 64 * 1024;
constexpr size_t kMaxName = 1024;
constexpr size_t kMaxEntries = 1000;  // of one command

/// Where annotations of a command live; the mailbox 0 is the server.
struct Annotated {
  AccountId account;
  MailboxId mailbox;
  std::string name;
  store::Rights rights = store::kAllRights;
};

Task<Result<Annotated>> place_of(Context& context, const std::string& wire) {
  if (wire.empty()) co_return Annotated{context.account(), MailboxId(), ""};
  CO_TRY(const NamedMailbox found, co_await find_mailbox(context, wire, false, store::kLookup));
  if (!may_annotate(found)) co_return fail(missing_right(found.rights));
  co_return Annotated{found.account, found.mailbox.id, found.name, found.rights};
}

void write_value(Writer& out, const std::optional<std::string>& value) {
  if (!value)
    out.nil();
  else if (value->find('\0') != std::string::npos)
    out.literal(*value, true);
  else
    out.string(*value);
}

/// "* METADATA name (entry value ...)": what was found, and NIL for names that were asked for and are not
/// there.
void write_metadata(Writer& out, std::string_view mailbox, const std::vector<std::string>& asked,
                    const std::vector<store::Annotation>& found, bool nil_if_absent) {
  std::set<std::string_view> seen;
  bool first = true;
  const auto entry = [&](std::string_view name, const std::optional<std::string>& value) {
    if (first)
      out.untagged().raw("METADATA ").mailbox(mailbox).raw(" (");
    else
      out.sp();
    first = false;
    out.astring(name).sp();
    write_value(out, value);
  };
  for (const store::Annotation& one : found) {
    seen.insert(one.name);
    if (one.value) entry(one.name, one.value);
  }
  for (const std::string& name : asked)
    if (nil_if_absent && seen.insert(name).second) entry(name, std::nullopt);
  if (!first) out.ch(')').crlf();
}

/// Two components at least, four below vendor (RFC 5464 §3.2).
bool can_be_set(std::string_view name) {
  const auto parts = split(name.substr(1), '/');
  if (name.size() > kMaxName || parts.size() < 2 || (parts[0] != "private" && parts[0] != "shared"))
    return false;
  return parts[1] != "vendor" || parts.size() >= 4;
}

}  // namespace

bool may_annotate(const NamedMailbox& named) {
  constexpr store::Rights kAny =
      store::kRead | store::kKeepSeen | store::kWrite | store::kInsert | store::kPost;
  return named.may(store::kLookup) && (named.rights & kAny) != 0;
}

Handled handle_get_metadata(Context& context, const Command& command) {
  const auto& get = command.as<GetMetadataCommand>();
  if (get.entries.size() > kMaxEntries) co_return bad("Too many entries");
  CO_TRY(const Annotated place, co_await place_of(context, get.mailbox));
  store::AnnotationQuery query;
  query.account = place.account;
  query.mailboxes = {place.mailbox};
  query.reader = context.account();
  query.names = get.entries;
  query.depth = get.depth == GetMetadataCommand::kInfinity ? store::AnnotationQuery::kAll
                                                           : static_cast<int32_t>(get.depth);
  if (get.max_size) query.max_size = *get.max_size;
  CO_TRY(const auto found,
         co_await context.worker.annotations.get(std::move(query), context.store_deadline()));
  write_metadata(context.out, place.name, get.entries, found, get.depth == 0);
  int64_t longest = 0;
  for (const store::Annotation& one : found)
    if (!one.value) longest = std::max(longest, one.size);
  co_return ok("Getmetadata completed", longest > 0 ? "METADATA LONGENTRIES " + std::to_string(longest) : "");
}

Handled handle_set_metadata(Context& context, const Command& command) {
  const auto& set = command.as<SetMetadataCommand>();
  if (set.entries.size() > kMaxEntries) co_return bad("Too many entries");
  std::map<std::string, std::optional<std::string>> last;
  for (const auto& [name, value] : set.entries) {
    if (!can_be_set(name)) co_return bad("Not a name of an entry: " + name);
    if (value && value->size() > kMaxValue)
      co_return no("METADATA MAXSIZE " + std::to_string(kMaxValue), "The value is too large");
    last[name] = value;
  }
  CO_TRY(const Annotated place, co_await place_of(context, set.mailbox));
  if (const auto rule = last.find(std::string(store::kPrivateSeen)); rule != last.end()) {
    if ((place.rights & store::kAdminister) == 0) co_return fail(missing_right(place.rights));
    if (!place.mailbox || (rule->second && *rule->second != "true"))
      co_return no(code::kCannot, "Of a mailbox, \"true\" or NIL");
  }
  std::vector<store::Annotations::Entry> changes;
  for (auto& [name, value] : last) {
    if (!place.mailbox && name.starts_with("/shared/"))
      co_return no(code::kNoPerm, "Shared annotations of the server are read-only");
    changes.push_back({name, value});
  }
  const auto done = co_await context.worker.annotations.set(place.account, place.mailbox, context.account(),
                                                            changes, context.store_deadline());
  if (!done && done.error().is(store::StoreErrc::over_quota))
    co_return no("METADATA TOOMANY", "There are too many annotations");
  if (!done) co_return fail(done.error());
  if (context.metadata) context.metadata->own(*done, place.mailbox, changes);
  context.worker.changed(*done);
  if (last.contains(std::string(store::kPrivateSeen))) {  // a change of the mailbox, too: guests are told
    CO_TRY(const auto box,
           co_await context.worker.mailboxes.get(place.account, place.mailbox, context.store_deadline()));
    context.worker.changed({place.account, box.highestmodseq});
  }
  co_return ok("Setmetadata completed");
}

Task<Result<void>> ListMetadata::write(const NamedMailbox& named) {
  if (entries_.empty() || !may_annotate(named)) co_return Result<void>{};
  if (loaded_ != named.account) {
    store::AnnotationQuery query;
    query.account = loaded_ = named.account;
    for (const NamedMailbox& one : mailboxes_)
      if (one.account == named.account) query.mailboxes.push_back(one.mailbox.id);
    query.reader = context_.account();
    query.names = entries_;
    CO_TRY(auto found, co_await context_.worker.annotations.get(std::move(query), context_.store_deadline()));
    found_.clear();
    for (store::Annotation& one : found) found_[one.mailbox].push_back(std::move(one));
  }
  write_metadata(context_.out, named.name, entries_, found_[named.mailbox.id], true);
  co_return Result<void>{};
}

}  // namespace dromos::imapd
