#include "imapd/protocol/reader.h"

#include <algorithm>
#include <cstring>

#include "common/base/strings.h"
#include "imapd/protocol/chars.h"
#include "imapd/protocol/lexer.h"

namespace dromos::imapd {
namespace {

constexpr size_t kMaxTag = 128;
// "~{18446744073709551615+}\r" fits.
constexpr size_t kTail = 32;
constexpr std::string_view kBadSize = "Literal size is not a number";

enum class Suffix { none, literal, bad };

/// A literal head at the end of a line without CRLF.
Suffix find_literal(std::string_view line, LiteralHead& head) {
  if (line.empty() || line.back() != '}') return Suffix::none;
  const size_t open = line.rfind('{');
  if (open == std::string_view::npos) return Suffix::none;
  std::string_view digits = line.substr(open + 1, line.size() - open - 2);
  head.synchronising = digits.empty() || digits.back() != '+';
  if (!head.synchronising) digits.remove_suffix(1);
  head.binary = open > 0 && line[open - 1] == '~';
  if (!all_of(digits, kDigit)) return Suffix::none;
  const auto size = parse_number<uint64_t>(digits);
  if (!size || *size > INT64_MAX) return Suffix::bad;
  head.size = *size;
  return Suffix::literal;
}

bool has_nul(std::string_view bytes) {
  return std::memchr(bytes.data(), 0, bytes.size()) != nullptr;
}

}  // namespace

CommandReader::Step CommandReader::next(std::string_view& bytes) {
  while (true) {
    Outcome outcome;
    switch (state_) {
      case State::done:
        start_command();
        break;
      case State::line:
        outcome = read_line(bytes);
        break;
      case State::announced:
        outcome = Step::literal;
        break;
      case State::buffer:
        outcome = read_buffered(bytes);
        break;
      case State::stream:
        outcome = read_streamed(bytes);
        break;
      case State::skip_line:
        outcome = skip_line(bytes);
        break;
      case State::skip_literal:
        outcome = skip_literal(bytes);
        break;
      case State::refused:
        outcome = end_command(Step::refused);
        break;
      case State::dead:
        outcome = Step::fatal;
        break;
    }
    if (outcome) return *outcome;
  }
}

void CommandReader::set_limits(ReaderLimits limits) {
  next_limits_ = limits;
  if (idle()) limits_ = limits;
}

void CommandReader::start_command() {
  state_ = State::line;
  limits_ = next_limits_;
  raw_.text.clear();
  raw_.streamed.clear();
  line_start_ = 0;
  remaining_ = buffered_ = skipped_ = 0;
  literals_ = 0;
  spoilt_ = false;
  tag_.clear();
  reason_.clear();
  tail_.clear();
}

CommandReader::Outcome CommandReader::read_line(std::string_view& bytes) {
  if (bytes.empty()) return Step::need_more;
  const auto* feed = static_cast<const char*>(std::memchr(bytes.data(), '\n', bytes.size()));
  const size_t length = feed != nullptr ? static_cast<size_t>(feed - bytes.data()) : bytes.size();
  const size_t text = raw_.text.size() - buffered_;
  const size_t room = std::min(limits_.line + 1 - (raw_.text.size() - line_start_),  // one more for CR
                               limits_.text + 1 - std::min(text, limits_.text + 1));
  std::string_view part = bytes.substr(0, std::min(length, room));
  const size_t nul = part.find('\0');
  part = part.substr(0, nul);
  raw_.text.append(part);
  if (nul != std::string_view::npos || part.size() < length) {
    spoil(nul != std::string_view::npos ? "NUL octet in command" : "Command line is too long");
    tail_.assign(raw_.text, raw_.text.size() - std::min(kTail, raw_.text.size()));
    bytes.remove_prefix(part.size());
    state_ = State::skip_line;
    return {};
  }
  bytes.remove_prefix(feed != nullptr ? length + 1 : length);
  if (feed == nullptr) return Step::need_more;
  return end_line();
}

CommandReader::Outcome CommandReader::end_line() {
  if (raw_.text.size() > line_start_ && raw_.text.back() == '\r') raw_.text.pop_back();
  const std::string_view line = std::string_view(raw_.text).substr(line_start_);
  if (line.size() > limits_.line || line.find('\r') != std::string_view::npos) {
    spoil(line.size() > limits_.line ? "Command line is too long" : "Bare CR in command");
    tail_.assign(line.substr(line.size() - std::min(kTail, line.size())));
    return end_skipped_line();
  }
  if (expect_line_) {
    expect_line_ = false;
    return end_command(Step::line);
  }
  LiteralHead head;
  switch (find_literal(line, head)) {
    case Suffix::none:
      learn_tag();
      return end_command(Step::command);
    case Suffix::bad:
      if (!head.synchronising) return die(kBadSize);
      spoil(kBadSize);
      return end_command(Step::bad);
    case Suffix::literal:
      break;
  }
  return announce(head);
}

CommandReader::Outcome CommandReader::announce(const LiteralHead& head) {
  head_ = head;
  head_.index = literals_++;
  raw_.text += "\r\n";
  head_.message_data = at_message_literal(raw_);
  learn_tag();
  std::string_view reason;
  if (literals_ > limits_.literals)
    reason = "Too many literals";
  else if (!head_.message_data && head_.size > limits_.argument_literals - buffered_)
    reason = "Literal is too large";
  if (!reason.empty()) {
    spoil(reason);
    return begin_skip_literal(head_);
  }
  if (head_.message_data) head_.index = static_cast<uint32_t>(raw_.streamed.size());
  state_ = State::announced;
  return Step::literal;
}

void CommandReader::accept() {
  if (state_ != State::announced) return;
  remaining_ = head_.size;
  if (head_.message_data) {
    raw_.streamed.push_back({raw_.text.size(), head_.size, false});
    state_ = State::stream;
  } else {
    buffered_ += head_.size;
    state_ = State::buffer;
  }
}

void CommandReader::refuse() {
  if (state_ != State::announced) return;
  if (head_.synchronising) {
    state_ = State::refused;
  } else {
    begin_skip_literal(head_);
  }
}

CommandReader::Outcome CommandReader::read_buffered(std::string_view& bytes) {
  if (remaining_ > 0 && bytes.empty()) return Step::need_more;
  const std::string_view part = bytes.substr(0, std::min<uint64_t>(remaining_, bytes.size()));
  if (!head_.binary && has_nul(part) && !spoilt_) spoil("NUL octet in literal");
  raw_.text.append(part);
  remaining_ -= part.size();
  bytes.remove_prefix(part.size());
  if (remaining_ > 0) return Step::need_more;
  if (spoilt_) {
    state_ = State::skip_line;
    tail_.clear();
  } else {
    state_ = State::line;
    line_start_ = raw_.text.size();
  }
  return {};
}

CommandReader::Outcome CommandReader::read_streamed(std::string_view& bytes) {
  if (remaining_ == 0) {
    state_ = State::line;
    line_start_ = raw_.text.size();
    return Step::literal_done;
  }
  if (bytes.empty()) return Step::need_more;
  chunk_ = bytes.substr(0, std::min<uint64_t>(remaining_, bytes.size()));
  if (has_nul(chunk_)) raw_.streamed.back().has_nul = true;
  remaining_ -= chunk_.size();
  bytes.remove_prefix(chunk_.size());
  return Step::chunk;
}

CommandReader::Outcome CommandReader::skip_line(std::string_view& bytes) {
  if (bytes.empty()) return Step::need_more;
  const size_t feed = bytes.find('\n');
  const std::string_view part = bytes.substr(0, feed);
  const bool within = count_skipped(part.size());
  tail_.append(part.substr(part.size() - std::min(kTail, part.size())));
  if (tail_.size() > kTail) tail_.erase(0, tail_.size() - kTail);
  bytes.remove_prefix(feed == std::string_view::npos ? part.size() : feed + 1);
  if (!within) return die("Too much input after an error");
  if (feed == std::string_view::npos) return Step::need_more;
  if (!tail_.empty() && tail_.back() == '\r') tail_.pop_back();
  return end_skipped_line();
}

CommandReader::Outcome CommandReader::end_skipped_line() {
  LiteralHead head;
  const Suffix suffix = expect_line_ ? Suffix::none : find_literal(tail_, head);
  expect_line_ = false;
  if (suffix == Suffix::bad && !head.synchronising) return die(kBadSize);
  if (suffix == Suffix::literal) return begin_skip_literal(head);
  return end_command(spoilt_ ? Step::bad : Step::refused);
}

CommandReader::Outcome CommandReader::begin_skip_literal(const LiteralHead& head) {
  // Who asked for a synchronising literal waits for the answer and sends nothing of it.
  if (head.synchronising) return end_command(spoilt_ ? Step::bad : Step::refused);
  if (!count_skipped(head.size)) return die("Refused literal is too large to be skipped");
  remaining_ = head.size;
  state_ = State::skip_literal;
  return {};
}

CommandReader::Outcome CommandReader::skip_literal(std::string_view& bytes) {
  if (remaining_ > 0 && bytes.empty()) return Step::need_more;
  const uint64_t part = std::min<uint64_t>(remaining_, bytes.size());
  bytes.remove_prefix(part);
  remaining_ -= part;
  if (remaining_ > 0) return Step::need_more;
  state_ = State::skip_line;
  tail_.clear();
  return {};
}

bool CommandReader::count_skipped(uint64_t octets) {
  if (octets > limits_.skip - skipped_) return false;
  skipped_ += octets;
  return true;
}

CommandReader::Outcome CommandReader::end_command(Step step) {
  state_ = State::done;
  return step;
}

CommandReader::Outcome CommandReader::die(std::string_view reason) {
  state_ = State::dead;
  reason_ = reason;
  return Step::fatal;
}

void CommandReader::spoil(std::string_view reason) {
  spoilt_ = true;
  reason_ = reason;
  if (!expect_line_) learn_tag();
}

void CommandReader::learn_tag() {
  const std::string_view text = raw_.text;
  const std::string_view tag = text.substr(0, std::min(text.find(' '), kMaxTag + 1));
  tag_.clear();
  if (tag.size() <= kMaxTag && tag.size() < text.size() && all_of(tag, kTagChar)) tag_ = tag;
}

bool CommandReader::idle() const {
  return state_ == State::done || (state_ == State::line && raw_.text.empty());
}

void CommandReader::release() {
  if (!idle()) return;
  start_command();
  raw_ = RawCommand();
  tag_ = reason_ = tail_ = std::string();
}

size_t CommandReader::memory() const {
  return sizeof *this + raw_.text.capacity() + raw_.streamed.capacity() * sizeof(RawCommand::Streamed);
}

}  // namespace dromos::imapd
