#include "jmapd/service/email_reader.h"

namespace dromos::jmapd {

Task<Result<std::map<MessageId, StoredFacts>>> facts_of(Services& services, AccountId account,
                                                        std::vector<MessageId> ids, Deadline deadline) {
  std::map<MessageId, StoredFacts> out;
  store::Messages::OnFacts keep = [&out](const store::MessageFacts& facts) {
    out.emplace(facts.id, StoredFacts{facts.blob, std::string(facts.facts)});
    return done();
  };
  CO_TRY_VOID(co_await services.messages.facts_of(account, std::move(ids), keep, deadline));
  co_return out;
}

Task<Result<std::string>> read_raw(Services& services, AccountId account, MessageId id, uint64_t length,
                                   Deadline deadline) {
  std::string raw;
  const auto append = [&raw](std::string_view piece) {
    raw.append(piece);
    return done();
  };
  CO_TRY_VOID(co_await services.messages.read_raw(account, id, 0, length, append, deadline));
  co_return raw;
}

}  // namespace dromos::jmapd
