#include "common/smtp/data_decoder.h"

#include <algorithm>
#include <cstring>

namespace dromos::smtp {
namespace {

const char* find(const char* from, const char* end, char c) {
  return static_cast<const char*>(std::memchr(from, c, static_cast<size_t>(end - from)));
}

}  // namespace

Result<void> ContentFaults::verdict() const {
  if (too_large) return fail(Errc::too_large, "message is larger than this server takes");
  if (!any()) return {};
  const char* what = nul ? "NUL" : bare_lf ? "bare LF" : "bare CR";
  return fail(Errc::bad_content, std::string(what) + " in message content, first fault at octet " +
                                     std::to_string(first_offset) + "; lines must end in CR LF");
}

void LineEndCheck::fault(bool& flag, ContentFaults& faults, uint64_t offset) {
  flag = true;
  faults.first_offset = std::min(faults.first_offset, offset);
}

void LineEndCheck::feed(std::string_view run, ContentFaults& faults) {
  if (run.empty()) return;
  const char* const begin = run.data();
  const char* const end = begin + run.size();
  const auto offset = [&](const char* p) { return offset_ + static_cast<uint64_t>(p - begin); };
  if (const char* nul = find(begin, end, '\0')) fault(faults.nul, faults, offset(nul));
  const char* p = begin;
  if (cr_) {
    if (*p == '\n')
      ++p;
    else
      fault(faults.bare_cr, faults, offset_ - 1);
    cr_ = false;
  }
  while (p != end) {
    const char* lf = find(p, end, '\n');
    const char* stop = lf != nullptr ? lf : end;
    const char* cr = find(p, stop, '\r');
    if (lf != nullptr && (lf == p || lf[-1] != '\r')) fault(faults.bare_lf, faults, offset(lf));
    // Every CR before the last octet of this stretch is bare; the last is judged by what follows it.
    if (cr != nullptr && cr + 1 != stop) fault(faults.bare_cr, faults, offset(cr));
    if (lf == nullptr) {
      cr_ = stop[-1] == '\r';
      break;
    }
    p = lf + 1;
  }
  offset_ += run.size();
}

void LineEndCheck::finish(ContentFaults& faults) {
  if (cr_) fault(faults.bare_cr, faults, offset_ - 1);
  cr_ = false;
}

std::string_view DataDecoder::account(std::string_view run) {
  check_.feed(run, faults_);
  const uint64_t room = limit_ > size_ ? limit_ - size_ : 0;
  size_ += run.size();
  if (run.size() <= room) return run;
  faults_.too_large = true;
  return run.substr(0, static_cast<size_t>(room));
}

/// One run of content, up to the input's end or an octet that must be left out. May be empty with input left:
/// the state moved on.
std::string_view DataDecoder::scan(std::string_view& input) {
  switch (state_) {
    case State::line_start:
      if (input.front() == '.') {
        input.remove_prefix(1);
        state_ = State::dot;
        return {};
      }
      break;
    case State::dot:  // the dot is gone whatever follows (§4.5.2)
      if (input.front() == '\r') {
        input.remove_prefix(1);
        state_ = State::dot_cr;
        return {};
      }
      break;
    case State::dot_cr:
      if (input.front() == '\n') {
        input.remove_prefix(1);
        state_ = State::done;
        return {};
      }
      // The CR held back was content, and bare.
      state_ = State::text;
      cr_ = true;
      return "\r";
    case State::text:
    case State::done:
      break;
  }
  const char* const begin = input.data();
  const char* const end = begin + input.size();
  const char* p = begin;
  bool before_cr = state_ == State::text && cr_;
  const char* lf = nullptr;
  while ((lf = find(p, end, '\n')) != nullptr) {
    const bool ends_line = lf == begin ? before_cr : lf[-1] == '\r';
    p = lf + 1;
    if (!ends_line || (p != end && *p != '.')) continue;
    // A line starts here: with a dot, or beyond what we have.
    state_ = State::line_start;
    cr_ = false;
    input.remove_prefix(static_cast<size_t>(p - begin));
    return {begin, static_cast<size_t>(p - begin)};
  }
  state_ = State::text;
  cr_ = end[-1] == '\r';
  input = {};
  return {begin, static_cast<size_t>(end - begin)};
}

std::string_view DataDecoder::next(std::string_view& input) {
  while (!input.empty() && state_ != State::done) {
    const std::string_view run = scan(input);
    if (run.empty()) continue;
    const std::string_view kept = account(run);
    if (!kept.empty()) return kept;
  }
  return {};
}

bool DataDecoder::feed(std::string_view& input, std::string& out) {
  return feed_to(input, [&](std::string_view run) { out.append(run); });
}

void BdatDecoder::begin(uint64_t size, bool last) {
  left_ = size;
  last_ = last;
  if (size > limit_ || size_ > limit_ - size) faults_.too_large = true;
  if (last && left_ == 0) check_.finish(faults_);
}

std::string_view BdatDecoder::next(std::string_view& input) {
  while (left_ != 0 && !input.empty()) {
    const auto take = static_cast<size_t>(std::min<uint64_t>(left_, input.size()));
    const std::string_view run = input.substr(0, take);
    input.remove_prefix(take);
    left_ -= take;
    check_.feed(run, faults_);
    if (last_ && left_ == 0) check_.finish(faults_);
    // A chunk that would pass the limit is dropped whole: begin() knew.
    size_ += take;
    if (!faults_.too_large) return run;
  }
  return {};
}

bool BdatDecoder::feed(std::string_view& input, std::string& out) {
  return feed_to(input, [&](std::string_view run) { out.append(run); });
}

}  // namespace dromos::smtp
