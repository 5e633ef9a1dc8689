#include "imapd/index/text_again.h"

#include "common/async/offload.h"
#include "common/mime/text.h"
#include "common/store/codec.h"
#include "imapd/index/attachment.h"

namespace dromos::imapd {
namespace {

constexpr size_t kLongest = 256 * 1024 * 1024;  // of a message's bytes

struct Extract {
  bool later = false;
  bool truncated = false;
  std::string packed;
};

Extract extract_of(std::string_view raw, bool documents_later) {
  Extract out;
  const mime::Facts facts = mime::build_facts(raw);
  out.later = documents_later && !documents_in(facts).empty();
  if (!out.later) out.packed = store::pack(mime::search_text(raw, facts, &out.truncated));
  return out;
}

Task<Result<void>> done() {
  co_return Result<void>{};
}

}  // namespace

Task<Result<store::Reindex::Texts>> texts_again(store::Messages& messages, store::BlobStore& blobs,
                                                AccountId account, std::vector<MessageId> ids,
                                                bool documents_later, Deadline deadline) {
  std::vector<std::pair<MessageId, store::BlobHash>> known;
  auto on_facts = [&known](const store::MessageFacts& facts) {
    known.emplace_back(facts.id, facts.blob);
    return done();
  };
  CO_TRY_VOID(co_await messages.facts_of(account, std::move(ids), on_facts, deadline));
  store::Reindex::Texts texts;
  for (const auto& [id, blob] : known) {
    const auto raw = co_await blobs.read_all(account, blob, kLongest, deadline);
    if (!raw && raw.error().may_retry()) co_return fail(raw.error());
    if (!raw) continue;
    Extract extract = co_await offload([&raw, documents_later] { return extract_of(*raw, documents_later); });
    if (extract.later) {
      texts.later.push_back(id);
      continue;
    }
    texts.ids.push_back(id);
    texts.truncated.push_back(extract.truncated);
    texts.data.push_back(std::move(extract.packed));
  }
  co_return texts;
}

}  // namespace dromos::imapd
