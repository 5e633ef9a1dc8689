#include "common/http/body_decoder.h"

#include <algorithm>
#include <charconv>

namespace dromos::http {

BodyDecoder::BodyDecoder(const BodyLimits& limits) : limits_(limits), limit_(limits.bytes) {}

void BodyDecoder::start(BodyKind kind, uint64_t length) {
  kind_ = kind;
  limit_ = limits_.bytes;
  left_ = kind == BodyKind::fixed ? length : 0;
  received_ = 0;
  offset_ = extension_bytes_ = trailer_bytes_ = trailer_fields_ = 0;
  line_.clear();
  error_ = {};
  phase_ = Phase::size_line;
}

BodyDecoder::State BodyDecoder::fail(int status, size_t offset, const char* text) {
  phase_ = Phase::failed;
  error_ = {status, offset, text};
  return State::error;
}

BodyDecoder::State BodyDecoder::feed(std::string_view bytes, size_t& consumed, std::string_view& data) {
  consumed = 0;
  data = {};
  if (phase_ == Phase::failed) return State::error;
  if (phase_ == Phase::done) return State::end;
  const State state =
      kind_ == BodyKind::chunked ? feed_chunked(bytes, consumed, data) : feed_plain(bytes, consumed, data);
  offset_ += consumed;
  return state;
}

BodyDecoder::State BodyDecoder::feed_plain(std::string_view bytes, size_t& consumed, std::string_view& data) {
  if (kind_ == BodyKind::until_close) left_ = bytes.size();
  if (kind_ == BodyKind::fixed && left_ > limit_ - std::min(received_, limit_))
    return fail(413, 0, "body too large");
  if (left_ == 0 && kind_ != BodyKind::until_close) {
    phase_ = Phase::done;
    return State::end;
  }
  if (bytes.empty()) return State::need_more;
  return take_piece(bytes, consumed, data);
}

BodyDecoder::State BodyDecoder::take_piece(std::string_view bytes, size_t& consumed, std::string_view& data) {
  const size_t size = static_cast<size_t>(std::min<uint64_t>(left_, bytes.size()));
  if (size > limit_ - std::min(received_, limit_)) return fail(413, 0, "body too large");
  data = bytes.substr(0, size);
  consumed += size;
  left_ -= size;
  received_ += size;
  return State::data;
}

bool BodyDecoder::gather_line(std::string_view bytes, size_t& consumed, size_t max) {
  const std::string_view rest = bytes.substr(consumed);
  const size_t lf = rest.find('\n');
  size_t take = lf == std::string_view::npos ? rest.size() : lf + 1;
  take = std::min(take, max + 1 - line_.size());
  line_ += rest.substr(0, take);
  consumed += take;
  const size_t line_start = offset_ + consumed - line_.size();
  if (line_.size() > max) {
    fail(400, line_start, "line of chunked body too long");
    return false;
  }
  if (line_.empty() || line_.back() != '\n') return false;
  if (line_.size() < 2 || line_[line_.size() - 2] != '\r') {
    fail(400, line_start, "line feed without carriage return in chunked body");
    return false;
  }
  line_.resize(line_.size() - 2);
  return true;
}

bool BodyDecoder::end_size_line() {
  constexpr size_t kMaxDigits = 15;
  const char* const begin = line_.data();
  const char* const end = begin + line_.size();
  uint64_t size = 0;
  const auto [stop, ec] = std::from_chars(begin, end, size, 16);
  if (ec != std::errc{} || static_cast<size_t>(stop - begin) > kMaxDigits) return false;
  if (stop != end && *stop != ';') return false;
  for (const char* c = stop; c != end; ++c)
    if ((static_cast<unsigned char>(*c) < 0x20 && *c != '\t') || *c == 0x7f) return false;
  extension_bytes_ += static_cast<size_t>(end - stop);
  if (extension_bytes_ > limits_.chunk_extension_bytes) return false;
  left_ = size;
  phase_ = size == 0 ? Phase::trailer : Phase::chunk_data;
  return true;
}

bool BodyDecoder::end_trailer_line() {
  if (line_.empty()) {
    phase_ = Phase::done;
    return true;
  }
  trailer_bytes_ += line_.size() + 2;
  return check_field_line(line_) == nullptr && ++trailer_fields_ <= limits_.trailer_fields &&
         trailer_bytes_ <= limits_.trailer_bytes;
}

BodyDecoder::State BodyDecoder::feed_chunked(std::string_view bytes, size_t& consumed,
                                             std::string_view& data) {
  while (true) {
    if (phase_ == Phase::chunk_data) {
      if (consumed == bytes.size()) return State::need_more;
      const State state = take_piece(bytes.substr(consumed), consumed, data);
      if (left_ == 0 && state == State::data) phase_ = Phase::chunk_end;
      return state;
    }
    const Phase phase = phase_;
    const size_t max = phase == Phase::size_line ? limits_.chunk_line_bytes
                       : phase == Phase::trailer ? limits_.trailer_bytes
                                                 : 2;
    if (!gather_line(bytes, consumed, max)) return phase_ == Phase::failed ? State::error : State::need_more;
    const size_t line_start = offset_ + consumed - line_.size() - 2;
    bool good = true;
    if (phase == Phase::size_line) {
      good = end_size_line();
      if (good && left_ > limit_ - std::min(received_, limit_))
        return fail(413, line_start, "body too large");
    } else if (phase == Phase::chunk_end) {
      good = line_.empty();
      phase_ = Phase::size_line;
    } else {
      good = end_trailer_line();
    }
    line_.clear();
    if (!good) return fail(400, line_start, phase == Phase::trailer ? "bad trailer" : "bad chunk");
    if (phase_ == Phase::done) return State::end;
  }
}

}  // namespace dromos::http
