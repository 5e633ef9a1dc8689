#include "imapd/service/url_part.h"

#include <algorithm>

#include "common/mime/section.h"
#include "common/store/errc.h"
#include "imapd/service/message_loader.h"

namespace dromos::imapd {
namespace {

Unexpected nothing_there() {
  return fail(store::StoreErrc::not_found, "no such message");
}

bool filtered(const mime::Section& section) {
  return section.what == mime::Section::What::header_fields ||
         section.what == mime::Section::What::header_fields_not;
}

}  // namespace

Task<Result<void>> read_url_part(Worker& worker, AccountId account, MailboxId mailbox, const ImapUrl& url,
                                 uint64_t limit, std::function<Result<void>(std::string_view)> take,
                                 Deadline deadline) {
  const auto section = mime::parse_section(url.section);
  if (!section) co_return nothing_there();
  CO_TRY(const auto entries, co_await worker.entries.slice(account, mailbox, url.uid, 1, deadline));
  if (entries.empty() || entries.front().uid != url.uid) co_return nothing_there();
  const auto size = static_cast<uint64_t>(entries.front().size);
  MessageLoader loader(worker, account, mailbox);
  CO_TRY(const auto loaded, co_await loader.load({url.uid}, {.facts = true, .raw = true}, deadline));
  if (loaded.empty() || !loaded.front().found) co_return nothing_there();
  const LoadedMessage& message = loaded.front();
  mime::Range range{0, size};
  std::string fields;
  if (!url.section.empty()) {
    CO_TRY(const mime::Facts facts, co_await loader.facts(message, size, deadline));
    const auto found = mime::section_range(facts.tree, *section);
    if (!found) co_return fail(Errc::not_found, "no such part");
    range = *found;
    if (filtered(*section)) {
      CO_TRY(const std::string header, co_await loader.read(message, range.begin, range.size(), deadline));
      fields = mime::filter_fields(header, section->fields,
                                   section->what == mime::Section::What::header_fields_not);
      range = {0, fields.size()};
    }
  }
  if (url.partial) {
    range.begin += std::min(url.partial->first, range.size());
    if (url.partial->second != 0) range.end = range.begin + std::min(url.partial->second, range.size());
  }
  if (range.size() > limit) co_return fail(Errc::limit_exceeded, "the part is too large");
  if (filtered(*section)) co_return take(std::string_view(fields).substr(range.begin, range.size()));
  while (range.size() > 0) {
    const uint64_t piece = std::min(range.size(), MessageLoader::kPiece);
    CO_TRY(const std::string octets, co_await loader.read(message, range.begin, piece, deadline));
    if (octets.size() != piece)
      co_return fail(store::StoreErrc::blob_gone, "octets are not whole", Retry::temporary);
    CO_TRY_VOID(take(octets));
    range.begin += piece;
  }
  co_return Result<void>{};
}

}  // namespace dromos::imapd
