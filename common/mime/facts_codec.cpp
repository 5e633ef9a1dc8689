// Facts as bytes. Integers are LEB128 varints (signed ones zigzag), strings a varint length and bytes.
//   format, parser, flags (1 byte each)
//   hot:   size, root header size, [sent seconds, zone minutes, zone known], ENVELOPE, BODYSTRUCTURE,
//   preview,
//          message id, base subject      (FactsView reads no further)
//   cold:  kept values, header entries, in-reply-to, references, parts, part infos
// Offsets that follow from others (header entries are contiguous, links follow from the parent) are not
// stored.
#include <algorithm>

#include "common/base/strings.h"
#include "common/mime/facts.h"

namespace dromos::mime {
namespace {

enum : uint8_t { kHasAttachment = 1, kHas8Bit = 2, kReplyOrForward = 4, kHasSent = 8, kCrlfLines = 16 };

// Names as senders write them; the place in this list is stored. Append only.
constexpr std::string_view kNames[] = {"Received",
                                       "Return-Path",
                                       "Delivered-To",
                                       "From",
                                       "To",
                                       "Cc",
                                       "Subject",
                                       "Date",
                                       "Message-ID",
                                       "Message-Id",
                                       "MIME-Version",
                                       "Mime-Version",
                                       "Content-Type",
                                       "Content-Transfer-Encoding",
                                       "Content-Disposition",
                                       "Content-Language",
                                       "In-Reply-To",
                                       "References",
                                       "Reply-To",
                                       "Sender",
                                       "DKIM-Signature",
                                       "Authentication-Results",
                                       "Received-SPF",
                                       "ARC-Seal",
                                       "ARC-Message-Signature",
                                       "ARC-Authentication-Results",
                                       "List-Unsubscribe",
                                       "List-Unsubscribe-Post",
                                       "List-Id",
                                       "List-ID",
                                       "List-Post",
                                       "List-Help",
                                       "List-Archive",
                                       "List-Subscribe",
                                       "List-Owner",
                                       "Precedence",
                                       "User-Agent",
                                       "X-Mailer",
                                       "X-Originating-IP",
                                       "X-Spam-Status",
                                       "X-Spam-Level",
                                       "X-Spam-Flag",
                                       "X-Spam-Score",
                                       "X-Google-DKIM-Signature",
                                       "X-Gm-Message-State",
                                       "X-Google-Smtp-Source",
                                       "X-Received",
                                       "X-Priority",
                                       "Importance",
                                       "Auto-Submitted",
                                       "Errors-To",
                                       "Feedback-ID",
                                       "X-Original-To",
                                       "Thread-Topic",
                                       "Thread-Index",
                                       "Accept-Language",
                                       "X-MimeOLE",
                                       "X-MSMail-Priority",
                                       "Organization",
                                       "Bcc",
                                       "Autocrypt",
                                       "X-Feedback-ID"};

class Writer {
 public:
  std::string out;
  void byte(uint8_t v) { out += static_cast<char>(v); }
  void number(uint64_t v) {
    while (v >= 0x80) {
      out += static_cast<char>(v | 0x80);
      v >>= 7;
    }
    out += static_cast<char>(v);
  }
  void signed_number(int64_t v) { number(static_cast<uint64_t>(v) << 1 ^ static_cast<uint64_t>(v >> 63)); }
  void text(std::string_view s) {
    number(s.size());
    out += s;
  }
  void optional_text(const std::optional<std::string>& s) {
    number(s ? s->size() + 1 : 0);
    if (s) out += *s;
  }
  void texts(const std::vector<std::string>& list) {
    number(list.size());
    for (const auto& s : list) text(s);
  }
  void params(const Params& list) {
    number(list.size());
    for (const Param& p : list) {
      text(p.name);
      text(p.value);
    }
  }
};

// Every read checks; after the first failure all reads give zero and ok() is false.
class Reader {
 public:
  explicit Reader(std::string_view in) : in_(in) {}
  bool ok() const { return ok_; }
  bool at_end() const { return in_.empty(); }
  uint8_t byte() {
    if (in_.empty()) return fail_read();
    const auto v = static_cast<uint8_t>(in_.front());
    in_.remove_prefix(1);
    return v;
  }
  uint64_t number() {
    uint64_t v = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const uint8_t b = byte();
      if (!ok_) return 0;
      v |= static_cast<uint64_t>(b & 0x7f) << shift;
      if ((b & 0x80) == 0) {
        if (shift == 63 && b > 1) return fail_read();
        return v;
      }
    }
    return fail_read();
  }
  int64_t signed_number() {
    const uint64_t v = number();
    return static_cast<int64_t>(v >> 1) ^ -static_cast<int64_t>(v & 1);
  }
  uint32_t small() {
    const uint64_t v = number();
    return v > UINT32_MAX ? fail_read() : static_cast<uint32_t>(v);
  }
  /// A count of things that take at least one byte each.
  size_t count(size_t most) {
    const uint64_t v = number();
    return v > most || v > in_.size() ? fail_read() : static_cast<size_t>(v);
  }
  std::string_view text() { return bytes(number()); }
  std::optional<std::string> optional_text() {
    const uint64_t n = number();
    if (n == 0) return std::nullopt;
    return std::string(bytes(n - 1));
  }
  std::optional<std::string_view> optional_view() {
    const uint64_t n = number();
    if (n == 0) return std::nullopt;
    return bytes(n - 1);
  }
  std::vector<std::string_view> views(size_t most) {
    std::vector<std::string_view> list(count(most));
    for (auto& s : list) s = text();
    return list;
  }
  std::vector<std::string> texts(size_t most) {
    std::vector<std::string> list(count(most));
    for (auto& s : list) s = text();
    return list;
  }
  Params params() {
    Params list(count(kMaxParams));
    for (Param& p : list) {
      p.name = text();
      p.value = text();
    }
    return list;
  }
  uint8_t fail_read() {
    ok_ = false;
    in_ = {};
    return 0;
  }

 private:
  std::string_view bytes(uint64_t n) {
    if (n > in_.size()) {
      fail_read();
      return {};
    }
    const std::string_view s = in_.substr(0, n);
    in_.remove_prefix(n);
    return s;
  }
  std::string_view in_;
  bool ok_ = true;
};

void write_info(Writer& w, const PartInfo& info) {
  w.byte(static_cast<uint8_t>((info.has_type ? 1 : 0) | (info.has_disposition ? 2 : 0)));
  w.text(info.type);
  w.text(info.subtype);
  w.params(info.params);
  if (info.has_disposition) {
    w.text(info.disposition);
    w.params(info.disposition_params);
  }
  w.texts(info.languages);
  w.optional_text(info.id);
  w.optional_text(info.description);
  w.optional_text(info.location);
  w.optional_text(info.md5);
  w.optional_text(info.encoding);
  w.text(info.envelope);
}

PartInfo read_info(Reader& r) {
  PartInfo info;
  const uint8_t flags = r.byte();
  if (flags > 3) r.fail_read();
  info.has_type = (flags & 1) != 0;
  info.has_disposition = (flags & 2) != 0;
  info.type = r.text();
  info.subtype = r.text();
  info.params = r.params();
  if (info.has_disposition) {
    info.disposition = r.text();
    info.disposition_params = r.params();
  }
  info.languages = r.texts(kMaxParams);
  info.id = r.optional_text();
  info.description = r.optional_text();
  info.location = r.optional_text();
  info.md5 = r.optional_text();
  info.encoding = r.optional_text();
  info.envelope = r.text();
  return info;
}

void write_parts(Writer& w, const PartTree& tree) {
  w.number(tree.parts.size());
  uint64_t before = 0;
  for (const Part& part : tree.parts) {
    w.number(part.parent == kNoPart ? 0 : part.parent + 1);
    w.number(part.header_begin - before);
    before = part.header_begin;
    w.number(part.header_size());
    w.number(part.body_size());
    w.number(part.header_lines);
    w.number(part.body_lines);
    w.byte(static_cast<uint8_t>(static_cast<uint8_t>(part.kind) | part.flags << 2));
  }
}

// Rebuilds the links, and refuses trees that no parser makes.
bool read_parts(Reader& r, PartTree& tree) {
  const size_t count = r.count(kMaxParts);
  if (count == 0) return false;
  tree.parts.resize(count);
  std::vector<uint32_t> last_child(count, kNoPart);
  uint64_t before = 0;
  for (uint32_t i = 0; i < count; ++i) {
    Part& part = tree.parts[i];
    const uint64_t parent = r.number();
    const uint64_t delta = r.number(), header = r.number(), body = r.number();
    if (delta > tree.size || header > tree.size || body > tree.size) return false;
    part.header_begin = before + delta;
    part.body_begin = part.header_begin + header;
    part.body_end = part.body_begin + body;
    before = part.header_begin;
    part.header_lines = r.small();
    part.body_lines = r.small();
    const uint8_t bits = r.byte();
    if (!r.ok() || (bits & 3) > 2 || part.body_end > tree.size) return false;
    part.kind = static_cast<PartKind>(bits & 3);
    part.flags = static_cast<uint8_t>(bits >> 2);
    if ((i == 0) != (parent == 0) || parent > i) return false;
    if (i == 0) continue;
    part.parent = static_cast<uint32_t>(parent - 1);
    Part& above = tree.parts[part.parent];
    if (above.kind == PartKind::leaf || (above.kind == PartKind::message && above.child_count > 0) ||
        above.depth >= kMaxNesting || part.header_begin < above.header_begin ||
        part.body_end > above.body_end)
      return false;
    part.depth = static_cast<uint16_t>(above.depth + 1);
    if (above.first_child == kNoPart)
      above.first_child = i;
    else
      tree.parts[last_child[part.parent]].next_sibling = i;
    last_child[part.parent] = i;
    ++above.child_count;
  }
  return true;
}

void write_headers(Writer& w, const std::vector<HeaderEntry>& headers) {
  w.number(headers.size());
  for (const HeaderEntry& entry : headers) {
    const auto* known = std::find(std::begin(kNames), std::end(kNames), entry.name);
    if (known != std::end(kNames)) {
      w.number(static_cast<uint64_t>(known - std::begin(kNames)) + 1);
    } else {
      w.number(0);
      w.text(entry.name);
    }
    w.number(entry.length);
  }
}

std::vector<HeaderEntry> read_headers(Reader& r, uint64_t header_size) {
  std::vector<HeaderEntry> headers(r.count(kMaxHeaderFields));
  uint64_t offset = 0;
  for (HeaderEntry& entry : headers) {
    const uint64_t name = r.number();
    if (name > std::size(kNames)) r.fail_read();
    entry.name = name == 0 ? std::string(r.text()) : std::string(r.ok() ? kNames[name - 1] : "");
    entry.offset = static_cast<uint32_t>(offset);
    entry.length = r.small();
    offset += entry.length;
    if (offset > header_size) r.fail_read();
    if (!r.ok()) break;
  }
  return headers;
}

struct Hot {
  uint8_t flags = 0;
  uint8_t parser = 0;
  uint64_t size = 0, root_header = 0;
  std::optional<Date> sent;
  std::string_view envelope, bodystructure, preview, message_id, base_subject;
};

Result<Hot> read_hot(Reader& r) {
  if (r.byte() != kFactsFormat || !r.ok())
    return fail(Errc::invalid_argument, "message facts have an unknown format");
  Hot hot;
  hot.parser = r.byte();
  hot.flags = r.byte();
  hot.size = r.number();
  hot.root_header = r.number();
  if ((hot.flags & kHasSent) != 0) {
    Date date;
    date.epoch = r.signed_number();
    date.offset_minutes = static_cast<int32_t>(r.signed_number());
    date.zone_known = r.byte() != 0;
    hot.sent = date;
  }
  hot.envelope = r.text();
  hot.bodystructure = r.text();
  hot.preview = r.text();
  hot.message_id = r.text();
  hot.base_subject = r.text();
  if (!r.ok() || hot.root_header > hot.size || (hot.flags & 0xe0) != 0)
    return fail(Errc::invalid_argument, "message facts are damaged");
  return hot;
}

}  // namespace

std::string encode_facts(const Facts& facts) {
  Writer w;
  w.out.reserve(2048);
  w.byte(kFactsFormat);
  w.byte(kFactsParser);
  w.byte(static_cast<uint8_t>((facts.has_attachment ? kHasAttachment : 0) |
                              (facts.has_8bit_header ? kHas8Bit : 0) |
                              (facts.reply_or_forward ? kReplyOrForward : 0) | (facts.sent ? kHasSent : 0) |
                              (facts.has_crlf_lines ? kCrlfLines : 0)));
  w.number(facts.tree.size);
  w.number(facts.tree.root().header_size());
  if (facts.sent) {
    w.signed_number(facts.sent->epoch);
    w.signed_number(facts.sent->offset_minutes);
    w.byte(facts.sent->zone_known ? 1 : 0);
  }
  w.text(facts.envelope);
  w.text(facts.bodystructure);
  w.text(facts.preview);
  w.text(facts.message_id);
  w.text(facts.base_subject);
  for (const auto& value : facts.kept) w.optional_text(value);
  write_headers(w, facts.headers);
  w.texts(facts.in_reply_to);
  w.texts(facts.references);
  write_parts(w, facts.tree);
  for (const PartInfo& info : facts.info) write_info(w, info);
  return std::move(w.out);
}

Result<Facts> decode_facts(std::string_view bytes) {
  Reader r(bytes);
  TRY(const Hot hot, read_hot(r));
  Facts facts;
  facts.tree.size = hot.size;
  facts.has_attachment = (hot.flags & kHasAttachment) != 0;
  facts.has_8bit_header = (hot.flags & kHas8Bit) != 0;
  facts.has_crlf_lines = (hot.flags & kCrlfLines) != 0;
  facts.reply_or_forward = (hot.flags & kReplyOrForward) != 0;
  facts.sent = hot.sent;
  facts.envelope = hot.envelope;
  facts.bodystructure = hot.bodystructure;
  facts.preview = hot.preview;
  facts.message_id = hot.message_id;
  facts.base_subject = hot.base_subject;
  for (auto& value : facts.kept) value = r.optional_text();
  facts.headers = read_headers(r, hot.root_header);
  facts.in_reply_to = r.texts(kMaxMessageIds);
  facts.references = r.texts(kMaxMessageIds);
  const bool parts = read_parts(r, facts.tree);
  if (parts) {
    facts.info.reserve(facts.tree.parts.size());
    for (size_t i = 0; i < facts.tree.parts.size() && r.ok(); ++i) facts.info.push_back(read_info(r));
  }
  if (!parts || !r.ok() || !r.at_end()) return fail(Errc::invalid_argument, "message facts are damaged");
  return facts;
}

namespace {
/// Passes the header entries by; true if a field that one may search by stands there twice.
bool skip_headers(Reader& r) {
  constexpr std::array<std::string_view, 4> kSearched{"From", "To", "Cc", "Subject"};
  std::array<bool, kSearched.size()> seen{};
  bool repeated = false;
  const size_t count = r.count(kMaxHeaderFields);
  for (size_t i = 0; i < count && r.ok(); ++i) {
    const uint64_t known = r.number();
    if (known > std::size(kNames)) r.fail_read();
    std::string_view name;
    if (r.ok()) name = known == 0 ? r.text() : kNames[known - 1];
    r.number();
    for (size_t which = 0; which < kSearched.size(); ++which) {
      if (!iequals(name, kSearched[which])) continue;
      repeated |= seen[which];
      seen[which] = true;
    }
  }
  return repeated;
}
}  // namespace

Result<FactsKeys> read_facts_keys(std::string_view bytes) {
  Reader r(bytes);
  TRY(const Hot hot, read_hot(r));
  FactsKeys keys;
  keys.current = hot.parser == kFactsParser;
  keys.reply_or_forward = (hot.flags & kReplyOrForward) != 0;
  keys.sent = hot.sent;
  keys.envelope = hot.envelope;
  keys.message_id = hot.message_id;
  keys.base_subject = hot.base_subject;
  for (auto& value : keys.kept) value = r.optional_view();
  keys.repeated = skip_headers(r);
  keys.in_reply_to = r.views(kMaxMessageIds);
  keys.references = r.views(kMaxMessageIds);
  if (!r.ok()) return fail(Errc::invalid_argument, "message facts are damaged");
  return keys;
}

Result<FactsView> FactsView::open(std::string_view bytes) {
  Reader r(bytes);
  TRY(const Hot hot, read_hot(r));
  FactsView view;
  view.parser_ = hot.parser;
  view.size_ = hot.size;
  view.root_header_size_ = hot.root_header;
  view.has_attachment_ = (hot.flags & kHasAttachment) != 0;
  view.has_8bit_header_ = (hot.flags & kHas8Bit) != 0;
  view.has_crlf_lines_ = (hot.flags & kCrlfLines) != 0;
  if (hot.sent) view.sent_ = hot.sent->epoch;
  view.envelope_ = hot.envelope;
  view.bodystructure_ = hot.bodystructure;
  view.preview_ = hot.preview;
  view.message_id_ = hot.message_id;
  view.base_subject_ = hot.base_subject;
  return view;
}

}  // namespace dromos::mime
