#include "imapd/commands/fetch_render.h"

#include <algorithm>

#include "imapd/commands/sync.h"

namespace dromos::imapd {
namespace {

using Kind = FetchItem::Kind;

bool simple(const FetchItem& item) {
  switch (item.kind) {
    case Kind::flags:
    case Kind::internal_date:
    case Kind::rfc822_size:
    case Kind::uid:
    case Kind::modseq:
    case Kind::email_id:
    case Kind::thread_id:
    case Kind::save_date:
      return true;
    default:
      return false;
  }
}

/// BODY[], RFC822 and so on as one kind of section.
Section section_of(const FetchItem& item) {
  Section section = item.section;
  if (item.kind == Kind::rfc822_header) section.what = Section::What::header;
  if (item.kind == Kind::rfc822_text) section.what = Section::What::text;
  return section;
}

mime::Section to_mime(const Section& section) {
  mime::Section out;
  out.path = section.part;
  out.fields = section.fields;
  switch (section.what) {
    case Section::What::whole:
      out.what = mime::Section::What::all;
      break;
    case Section::What::header:
      out.what = mime::Section::What::header;
      break;
    case Section::What::header_fields:
      out.what = mime::Section::What::header_fields;
      break;
    case Section::What::header_fields_not:
      out.what = mime::Section::What::header_fields_not;
      break;
    case Section::What::text:
      out.what = mime::Section::What::text;
      break;
    case Section::What::mime:
      out.what = mime::Section::What::mime;
      break;
  }
  return out;
}

bool whole_message(const Section& section) {
  return section.part.empty() && section.what == Section::What::whole;
}

/// BODY[HEADER], BODY[HEADER.FIELDS (...)] and RFC822.HEADER: of the message itself.
bool own_header(const FetchItem& item) {
  if (item.kind == Kind::rfc822_header) return true;
  return item.kind == Kind::body_section && item.section.part.empty() &&
         (item.section.what == Section::What::header || item.section.what == Section::What::header_fields ||
          item.section.what == Section::What::header_fields_not);
}

void write_simple(Context& context, const FetchItem& item, const MessageItem& message,
                  const LoadedMessage& loaded) {
  Writer& out = context.out;
  switch (item.kind) {
    case Kind::flags: {
      const uint8_t recent = context.selected->is_recent(message.uid) ? kFlagRecent : 0;
      out.item("FLAGS").flags(static_cast<uint8_t>(message.flags | recent),
                              context.selected->mailbox->keywords().at(message.keyword_set));
      break;
    }
    case Kind::internal_date:
      out.item("INTERNALDATE").date_time({message.received, 0});
      break;
    case Kind::rfc822_size:
      out.item("RFC822.SIZE").number(message.size);
      break;
    case Kind::uid:
      out.item("UID").number(message.uid);
      break;
    case Kind::modseq:
      out.item("MODSEQ").ch('(').number(static_cast<uint64_t>(message.modseq)).ch(')');
      break;
    case Kind::email_id:
      out.item("EMAILID").ch('(').raw(to_text(loaded.id)).ch(')');
      break;
    case Kind::thread_id:
      out.item("THREADID").ch('(').raw(to_text(loaded.thread)).ch(')');
      break;
    default:
      out.item("SAVEDATE").date_time({loaded.saved_us / 1'000'000, 0});
      break;
  }
}

/// BODY[HEADER.FIELDS (...)] of the message itself.
bool names_fields(const FetchItem& item) {
  return own_header(item) && item.section.what == Section::What::header_fields;
}

/// `fields` stands only if it is all that is asked for of headers.
void decide_header(LoadNeeds& needs, const std::vector<FetchItem>& items) {
  const bool others = std::any_of(items.begin(), items.end(), [&](const FetchItem& item) {
    return own_header(item) && !(names_fields(item) && item.section.fields == *needs.fields);
  });
  if (others || needs.raw) needs.fields = nullptr;
  if (needs.fields != nullptr) needs.header = false;
}

}  // namespace

LoadNeeds needs_of(const std::vector<FetchItem>& items) {
  LoadNeeds needs;
  for (const FetchItem& item : items) {
    switch (item.kind) {
      case Kind::envelope:
      case Kind::body:
      case Kind::body_structure:
      case Kind::preview:
        needs.facts = true;
        break;
      case Kind::email_id:
      case Kind::thread_id:
      case Kind::save_date:
        needs.entry = true;
        break;
      case Kind::rfc822:
        needs.raw = true;
        break;
      case Kind::rfc822_header:
      case Kind::rfc822_text:
      case Kind::body_section:
      case Kind::binary:
      case Kind::binary_size:
        if (own_header(item)) {
          needs.header = true;
          if (names_fields(item)) needs.fields = &item.section.fields;
          break;
        }
        needs.raw = true;
        if (!whole_message(section_of(item))) needs.facts = true;
        break;
      default:
        break;
    }
  }
  if (needs.fields != nullptr) decide_header(needs, items);
  return needs;
}

Task<Result<const mime::Facts*>> FetchRenderer::facts() {
  if (!facts_) {
    auto decoded = co_await loader_.facts(message_, size_, deadline_);
    if (!decoded) co_return Unexpected(std::move(decoded).error());
    facts_ = std::move(*decoded);
  }
  co_return &*facts_;
}

Task<Result<void>> FetchRenderer::write(uint32_t number, const MessageItem& item, LoadedMessage message,
                                        Deadline deadline) {
  message_ = std::move(message);
  size_ = item.size;
  deadline_ = deadline;
  facts_.reset();
  context_.enabled.uid_only ? context_.out.begin_uid_fetch(item.uid) : context_.out.begin_fetch(number);
  for (const FetchItem& wanted : items_) {
    if (simple(wanted)) {
      write_simple(context_, wanted, item, message_);
    } else if (wanted.kind == Kind::binary || wanted.kind == Kind::binary_size) {
      CO_TRY_VOID(co_await write_binary(wanted));
    } else if (wanted.kind == Kind::envelope || wanted.kind == Kind::body ||
               wanted.kind == Kind::body_structure || wanted.kind == Kind::preview) {
      CO_TRY_VOID(co_await write_facts_item(wanted));
    } else {
      CO_TRY_VOID(co_await write_section(wanted));
    }
  }
  context_.out.end_fetch();
  co_return Result<void>{};
}

Task<Result<void>> FetchRenderer::write_facts_item(const FetchItem& item) {
  Writer& out = context_.out;
  // What was rendered at delivery is copied; all else goes through decoded facts.
  if (!facts_ && item.kind != Kind::body) {
    const auto view = mime::FactsView::open(message_.facts);
    if (view && view->current()) {
      if (item.kind == Kind::envelope) out.item("ENVELOPE").raw(view->envelope());
      if (item.kind == Kind::body_structure) out.item("BODYSTRUCTURE").raw(view->bodystructure());
      if (item.kind == Kind::preview) out.item("PREVIEW").string(view->preview());
      co_return Result<void>{};
    }
  }
  if (item.lazy && !facts_) {  // to be parsed anew: undue delay (RFC 8970 §4.1)
    out.item("PREVIEW").nil();
    co_return Result<void>{};
  }
  CO_TRY(const mime::Facts* decoded, co_await facts());
  if (item.kind == Kind::envelope) out.item("ENVELOPE").raw(decoded->envelope);
  if (item.kind == Kind::body_structure) out.item("BODYSTRUCTURE").raw(decoded->bodystructure);
  if (item.kind == Kind::body) out.item("BODY").raw(mime::render_body(*decoded));
  if (item.kind == Kind::preview) out.item("PREVIEW").string(decoded->preview);
  co_return Result<void>{};
}

Task<Result<void>> FetchRenderer::write_section(const FetchItem& item) {
  const Section section = section_of(item);
  if (whole_message(section)) {
    const uint64_t end = message_.raw ? message_.raw->size() : size_;
    co_return co_await write_range(item, 0, end);
  }
  if (message_.fields && names_fields(item)) {
    write_bytes(item, *message_.fields, false);
    co_return Result<void>{};
  }
  if (message_.header && own_header(item)) {
    write_header(item, section, *message_.header);
    co_return Result<void>{};
  }
  CO_TRY(const mime::Facts* decoded, co_await facts());
  const mime::Section wanted = to_mime(section);
  const auto range = mime::section_range(decoded->tree, wanted);
  if (!range) {
    context_.out.item(item.label()).nil();
    co_return Result<void>{};
  }
  if (section.what != Section::What::header_fields && section.what != Section::What::header_fields_not)
    co_return co_await write_range(item, range->begin, range->end);
  CO_TRY(const std::string header, co_await loader_.read(message_, range->begin, range->size(), deadline_));
  write_header(item, section, header);
  co_return Result<void>{};
}

void FetchRenderer::write_header(const FetchItem& item, const Section& section, std::string_view header) {
  if (section.what == Section::What::header) return write_bytes(item, header, false);
  const bool invert = section.what == Section::What::header_fields_not;
  write_bytes(item, mime::filter_fields(header, section.fields, invert), false);
}

void FetchRenderer::write_bytes(const FetchItem& item, std::string_view bytes, bool binary) {
  if (item.partial) {
    bytes = item.partial->first >= bytes.size() ? std::string_view()
                                                : bytes.substr(item.partial->first, item.partial->second);
  }
  context_.out.item(item.label());
  if (binary)
    context_.out.literal(bytes, true);
  else
    context_.out.literal(bytes);
}

Task<Result<void>> FetchRenderer::write_range(const FetchItem& item, uint64_t begin, uint64_t end) {
  if (item.partial) {
    begin = std::min(end, begin + item.partial->first);
    if (end - begin > item.partial->second) end = begin + item.partial->second;
  }
  uint64_t left = end - begin;
  // The first piece before the literal's head: if the octets are gone, the answer can still be NO.
  const auto first_size = std::min(left, MessageLoader::kPiece);
  CO_TRY(std::string piece, co_await loader_.read(message_, begin, first_size, deadline_));
  if (piece.size() != first_size)
    co_return fail(Errc::internal, "the octets of message " + to_text(message_.id) + " are not whole");
  context_.out.item(item.label()).literal_head(left);
  while (true) {
    context_.out.raw(piece);
    begin += piece.size();
    left -= piece.size();
    if (left == 0) break;
    const bool sent = co_await context_.flush();
    if (!sent) co_return fail(Errc::closed, "connection lost");
    const uint64_t next_size = std::min(left, MessageLoader::kPiece);
    auto next = co_await loader_.read(message_, begin, next_size, context_.store_deadline());
    if (!next || next->size() != next_size) {
      context_.broken = true;  // a literal was promised that cannot be kept
      co_return fail(Errc::closed, "the octets of a message ended early");
    }
    piece = std::move(*next);
  }
  co_return Result<void>{};
}

Task<Result<void>> FetchRenderer::write_binary(const FetchItem& item) {
  CO_TRY(const mime::Facts* decoded, co_await facts());
  const auto part = mime::find_part(decoded->tree, item.section.part);
  if (!part) {
    if (item.kind == Kind::binary_size)
      context_.out.item(item.label()).number(0);
    else if (mime::names_stand_in(decoded->tree, item.section.part))
      write_bytes(item, {}, true);
    else
      context_.out.item(item.label()).nil();
    co_return Result<void>{};
  }
  CO_TRY(const std::string raw, co_await loader_.read(message_, 0, std::max<uint64_t>(size_, 1), deadline_));
  const auto bytes =
      item.section.part.empty() ? Result<std::string>(raw) : mime::decoded_part(raw, *decoded, *part);
  if (!bytes) {
    unknown_encoding_ = true;
    if (item.kind == Kind::binary)
      context_.out.item(item.label()).nil();
    else
      context_.out.item(item.label()).number(decoded->tree.parts[*part].body_size());
    co_return Result<void>{};
  }
  if (item.kind == Kind::binary_size)
    context_.out.item(item.label()).number(bytes->size());
  else
    write_bytes(item, *bytes, true);
  co_return Result<void>{};
}

}  // namespace dromos::imapd
