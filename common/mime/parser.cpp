#include "common/mime/parser.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "common/base/strings.h"
#include "common/mime/header.h"

namespace dromos::mime {
namespace {

// A line's first bytes decide; enough for "--" boundary "--" and its line break.
constexpr size_t kLineHead = kMaxBoundary + 6;
// Names we interpret are short; a longer name is another field.
constexpr size_t kMaxNameLooked = 64;

uint32_t count_lf(const char* at, const char* end) {
  return static_cast<uint32_t>(std::count(at, end, '\n'));
}

struct Boundary {
  std::string text;
  uint32_t part;
  size_t depth;  // of the part in the open stack
};

}  // namespace

class Parser::Impl {
 public:
  Impl() {
    open_part(kNoPart);
    tree_.parts.front().header_begin = 0;
  }

  void feed(std::string_view bytes) {
    const char* at = bytes.data();
    const char* const end = at + bytes.size();
    while (at != end) {
      if (line_length_ == 0 && !in_header_ &&
          boundaries_.empty()) {  // nothing ahead can matter but line feeds
        consume_opaque(at, end);
        return;
      }
      if (line_length_ == 0 && !in_header_) {
        at = skip_plain_lines(at, end);
        if (at == end) return;
      }
      const auto* lf = static_cast<const char*>(std::memchr(at, '\n', static_cast<size_t>(end - at)));
      const char* stop = lf == nullptr ? end : lf + 1;
      const std::string_view piece(at, static_cast<size_t>(stop - at));
      if (lf != nullptr && line_length_ == 0) {
        line(piece.substr(0, line_head_limit()), piece.size(),
             piece.size() > 1 && piece[piece.size() - 2] == '\r' ? 2 : 1);
      } else {
        add_to_line(piece);
        if (lf != nullptr) end_partial_line(true);
      }
      at = stop;
    }
  }

  PartTree finish() {
    if (line_length_ > 0) end_partial_line(false);
    if (in_header_) {
      in_header_ = false;
      header_done(offset_, 0, false);
    }
    for (const Boundary& boundary : boundaries_) tree_.parts[boundary.part].flags |= kPartNotClosed;
    while (!open_.empty()) close_top(offset_, 0);
    tree_.size = offset_;
    return std::move(tree_);
  }

 private:
  size_t line_head_limit() const { return in_header_ ? kMaxContentType : kLineHead; }

  void consume_opaque(const char* at, const char* end) {
    lines_ += count_lf(at, end);
    offset_ += static_cast<uint64_t>(end - at);
  }

  // Whole lines of a body that do not begin with "--" need only be counted.
  const char* skip_plain_lines(const char* at, const char* end) {
    while (at != end && *at != '-') {
      const auto* lf = static_cast<const char*>(std::memchr(at, '\n', static_cast<size_t>(end - at)));
      if (lf == nullptr) break;
      const size_t size = static_cast<size_t>(lf + 1 - at);
      previous_eol_ = size > 1 && lf[-1] == '\r' ? 2 : 1;
      ++lines_;
      offset_ += size;
      at = lf + 1;
    }
    return at;
  }

  void add_to_line(std::string_view piece) {
    const size_t room = line_head_limit();
    if (head_.size() < room) head_.append(piece.substr(0, room - head_.size()));
    line_length_ += piece.size();
    if (piece.size() > 1)
      before_last_ = piece[piece.size() - 2];
    else
      before_last_ = last_;
    last_ = piece.back();
  }

  void end_partial_line(bool has_lf) {
    const std::string head = std::move(head_);
    const size_t length = line_length_;
    const size_t eol = !has_lf ? 0 : (length > 1 && before_last_ == '\r') ? 2 : 1;
    head_.clear();
    line_length_ = 0;
    line(head, length, eol);
  }

  // `head` is the line's beginning, with its line break if short enough; length and eol tell of the whole.
  void line(std::string_view head, size_t length, size_t eol) {
    const std::string_view text = head.substr(0, std::min(head.size(), length - eol));
    if (!boundaries_.empty() && text.size() >= 2 && text[0] == '-' && text[1] == '-' &&
        delimiter(text.substr(2), length, eol))
      return;
    if (in_header_) {
      header_line(text, length, eol);
    } else {
      lines_ += eol != 0;
      offset_ += length;
    }
    previous_eol_ = eol;
  }

  // RFC 2046 §5.1.1: the beginning of the line must match. Innermost first; a longer match wins over it.
  bool delimiter(std::string_view text, size_t length, size_t eol) {
    const bool dashes = text.size() > 2 && text.substr(text.size() - 2) == "--";
    size_t best = boundaries_.size();
    for (size_t i = boundaries_.size(); i-- > 0;) {
      const std::string& want = boundaries_[i].text;
      if (text.substr(0, want.size()) != want) continue;
      if (best != boundaries_.size() && boundaries_[best].text.size() >= want.size()) continue;
      best = i;
      if (want.size() == text.size() || (dashes && want.size() + 2 == text.size())) break;
    }
    if (best == boundaries_.size()) return false;
    const Boundary found = boundaries_[best];
    const bool closing = text.substr(found.text.size(), 2) == "--";
    if (!closing && tree_.parts.size() >= kMaxParts) return stop_splitting(), false;
    close_to(found, best);
    lines_ += eol != 0;
    offset_ += length;
    // The break behind a closing delimiter is the outer part's even where the outer delimiter follows at
    // once.
    previous_eol_ = closing ? 0 : eol;
    if (closing) {
      boundaries_.resize(best);  // what follows is epilogue, part of this multipart's body
    } else {
      open_part(found.part);
    }
    return true;
  }

  void stop_splitting() {
    boundaries_.clear();
    tree_.parts[open_.back()].flags |= kPartCountLimit;
  }

  // Ends every part above the multipart whose delimiter begins at offset_.
  void close_to(const Boundary& found, size_t index) {
    if (in_header_) {  // no blank line: the break before the delimiter is not the header's
      in_header_ = false;
      Part& part = tree_.parts[open_.back()];
      const bool take = offset_ > part.header_begin && previous_eol_ > 0;
      header_done(offset_ - (take ? previous_eol_ : 0), take ? 1 : 0, false);
    }
    while (boundaries_.size() > index + 1) {
      tree_.parts[boundaries_.back().part].flags |= kPartNotClosed;
      boundaries_.pop_back();
    }
    if (open_.size() <= found.depth + 1) return;
    // The break before the delimiter is not the body's, unless it is the blank line that ended the header.
    const bool take = previous_eol_ > 0 && offset_ > tree_.parts[open_.back()].body_begin;
    const uint64_t end = offset_ - (take ? previous_eol_ : 0);
    while (open_.size() > found.depth + 1) close_top(end, take ? 1 : 0);
  }

  void close_top(uint64_t end, uint32_t lines_back) {
    Part& part = tree_.parts[open_.back()];
    part.body_end = end;
    part.body_lines = lines_ - lines_back - body_lines_before_.back();
    open_.pop_back();
    body_lines_before_.pop_back();
  }

  void open_part(uint32_t parent) {
    const auto index = static_cast<uint32_t>(tree_.parts.size());
    Part part;
    part.header_begin = part.body_begin = part.body_end = offset_;
    part.parent = parent;
    if (parent != kNoPart) {
      Part& above = tree_.parts[parent];
      part.depth = static_cast<uint16_t>(above.depth + 1);
      if (above.first_child == kNoPart)
        above.first_child = index;
      else
        tree_.parts[last_child_[parent]].next_sibling = index;
      ++above.child_count;
      last_child_[parent] = index;
    }
    tree_.parts.push_back(part);
    last_child_.push_back(kNoPart);
    open_.push_back(index);
    body_lines_before_.push_back(lines_);
    start_header();
  }

  void start_header() {
    in_header_ = true;
    header_lines_before_ = lines_;
    fields_ = 0;
    capturing_ = false;
    have_type_ = false;
    content_type_.clear();
  }

  void header_line(std::string_view text, size_t length, size_t eol) {
    lines_ += eol != 0;
    offset_ += length;
    if (length == eol) {
      in_header_ = false;
      header_done(offset_, 0, true);
      return;
    }
    Part& part = tree_.parts[open_.back()];
    if (text[0] == ' ' || text[0] == '\t') {
      if (capturing_) capture(text);
      return;
    }
    capturing_ = false;
    if (offset_ - part.header_begin > kMaxHeaderBytes || ++fields_ > kMaxHeaderFields) {
      part.flags |= kPartHeaderLimit;
      return;
    }
    if (have_type_ || text.size() < 13 || ascii_lower(text[0]) != 'c') return;
    const size_t colon = text.substr(0, kMaxNameLooked).find(':');
    if (colon == std::string_view::npos || !iequals(trim(text.substr(0, colon)), "content-type")) return;
    have_type_ = capturing_ = true;
    capture(text.substr(colon + 1));
  }

  void capture(std::string_view text) {
    const size_t room = kMaxContentType - std::min(kMaxContentType, content_type_.size());
    content_type_.append(text.substr(0, room));
  }

  // The top part's header ends at `at`; `lines_back` of its line feeds belong to a delimiter that follows.
  void header_done(uint64_t at, uint32_t lines_back, bool body_follows) {
    const uint32_t index = open_.back();
    Part& part = tree_.parts[index];
    part.body_begin = at;
    part.header_lines = lines_ - header_lines_before_ - lines_back;
    body_lines_before_.back() = lines_ - lines_back;
    const bool digest = part.parent != kNoPart && digest_of(part.parent);
    if (!have_type_) {
      if (digest) become_message(index, body_follows);
      return;
    }
    const ContentType type = parse_content_type(unfold(content_type_));
    if (type.is("multipart")) {
      become_multipart(index, type);
    } else if (type.is("message", "rfc822") || type.is("message", "global")) {
      become_message(index, body_follows);
    }
  }

  bool digest_of(uint32_t parent) const {
    return std::find(digests_.begin(), digests_.end(), parent) != digests_.end();
  }

  bool too_deep(Part& part) {
    if (part.depth < kMaxNesting) return false;
    part.flags |= kPartNestingLimit;
    return true;
  }

  void become_multipart(uint32_t index, const ContentType& type) {
    Part& part = tree_.parts[index];
    const auto boundary = param_raw(type.params, "boundary");
    if (!boundary || too_deep(part)) return;
    part.kind = PartKind::multipart;
    // Senders cut long ones nowhere; we compare the beginning.
    boundaries_.push_back({std::string(boundary->substr(0, kMaxBoundary)), index, open_.size() - 1});
    while (!digests_.empty() && !is_open(digests_.back())) digests_.pop_back();
    if (type.is("multipart", "digest")) digests_.push_back(index);
  }

  bool is_open(uint32_t index) const { return std::find(open_.begin(), open_.end(), index) != open_.end(); }

  void become_message(uint32_t index, bool body_follows) {
    Part& part = tree_.parts[index];
    if (too_deep(part)) return;
    if (tree_.parts.size() >= kMaxParts) {
      part.flags |= kPartCountLimit;
      return;
    }
    part.kind = PartKind::message;
    const uint64_t begin = part.body_begin;
    open_part(index);
    tree_.parts.back().header_begin = tree_.parts.back().body_begin = begin;
    if (!body_follows) {  // cut off before its content: an empty embedded message
      in_header_ = false;
      body_lines_before_.back() = body_lines_before_[open_.size() - 2];
    }
  }

  PartTree tree_;
  std::vector<uint32_t> last_child_;
  std::vector<uint32_t> open_;               // the path from the root to the part being read
  std::vector<uint32_t> body_lines_before_;  // line feeds before the body of each open part
  std::vector<uint32_t> digests_;
  std::vector<Boundary> boundaries_;
  uint64_t offset_ = 0;
  uint32_t lines_ = 0;
  size_t previous_eol_ = 0;

  bool in_header_ = false;
  bool capturing_ = false;
  bool have_type_ = false;
  size_t fields_ = 0;
  uint32_t header_lines_before_ = 0;
  std::string content_type_;

  std::string head_;  // of a line that is not complete yet
  size_t line_length_ = 0;
  char last_ = 0, before_last_ = 0;
};

Parser::Parser() : impl_(std::make_unique<Impl>()) {}
Parser::~Parser() = default;
Parser::Parser(Parser&&) noexcept = default;
Parser& Parser::operator=(Parser&&) noexcept = default;

void Parser::feed(std::string_view bytes) {
  impl_->feed(bytes);
}
PartTree Parser::finish() {
  return impl_->finish();
}

PartTree parse(std::string_view raw) {
  Parser parser;
  parser.feed(raw);
  return parser.finish();
}

}  // namespace dromos::mime
