// Mail data, server side: DATA (RFC 5321 §4.5.2: dot-unstuffing, ends only at CR LF . CR LF) and BDAT chunks
// (RFC 3030). Push-style and pure; output comes as runs that point into the input, nothing is copied.
//
// NUL, bare CR and bare LF never end a message and are never a line end; they are remembered as faults, so
// that the session reads on to the true end and then refuses (550 5.6.0). The same bytes come out whatever
// the chunks.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/smtp/errc.h"

namespace dromos::smtp {

struct ContentFaults {
  bool bare_cr = false;
  bool bare_lf = false;
  bool nul = false;
  bool too_large = false;
  /// Offset in the decoded content of the first bare CR, bare LF or NUL.
  uint64_t first_offset = UINT64_MAX;

  bool any() const { return bare_cr || bare_lf || nul || too_large; }
  /// Errc::too_large or Errc::bad_content, saying what and where.
  Result<void> verdict() const;
};

/// Finds NUL, bare CR and bare LF in a stream of runs.
class LineEndCheck {
 public:
  void feed(std::string_view run, ContentFaults& faults);
  /// The content is over: a CR that waits for its LF is bare.
  void finish(ContentFaults& faults);

 private:
  void fault(bool& flag, ContentFaults& faults, uint64_t offset);

  uint64_t offset_ = 0;
  bool cr_ = false;
};

class DataDecoder {
 public:
  /// Content past `size_limit` octets is counted and dropped.
  explicit DataDecoder(uint64_t size_limit) : limit_(size_limit) {}

  /// The next run of content; eats from the front of `input`. Empty: all input is eaten, or done() and the
  /// rest of `input` belongs to the next command. The view lives as long as the input's buffer.
  std::string_view next(std::string_view& input);

  /// Appends all content of `input` up to the end; `input` keeps what lies behind it. True when done.
  bool feed(std::string_view& input, std::string& out);
  /// As above, with `sink(std::string_view run)`.
  template <class Sink>
  bool feed_to(std::string_view& input, Sink&& sink) {
    for (std::string_view run = next(input); !run.empty(); run = next(input)) sink(run);
    return done();
  }

  bool done() const { return state_ == State::done; }
  /// Octets of content so far, dropped ones too.
  uint64_t size() const { return size_; }
  const ContentFaults& faults() const { return faults_; }

 private:
  enum class State { line_start, text, dot, dot_cr, done };

  std::string_view scan(std::string_view& input);
  std::string_view account(std::string_view run);

  uint64_t limit_;
  uint64_t size_ = 0;
  State state_ = State::line_start;
  bool cr_ = false;  // in text: the last octet was CR
  LineEndCheck check_;
  ContentFaults faults_;
};

/// One message sent in BDAT chunks. Call begin for each BDAT command, then feed until chunk_done().
class BdatDecoder {
 public:
  explicit BdatDecoder(uint64_t size_limit) : limit_(size_limit) {}

  void begin(uint64_t size, bool last);
  std::string_view next(std::string_view& input);
  bool feed(std::string_view& input, std::string& out);
  template <class Sink>
  bool feed_to(std::string_view& input, Sink&& sink) {
    for (std::string_view run = next(input); !run.empty(); run = next(input)) sink(run);
    return chunk_done();
  }

  /// The chunk is eaten whole. With `last`, so is the message.
  bool chunk_done() const { return left_ == 0; }
  bool message_done() const { return last_ && left_ == 0; }
  /// Octets of this chunk still to come: a session closes rather than read an absurd rest.
  uint64_t left() const { return left_; }
  uint64_t size() const { return size_; }
  const ContentFaults& faults() const { return faults_; }

 private:
  uint64_t limit_;
  uint64_t size_ = 0;
  uint64_t left_ = 0;
  bool last_ = false;
  LineEndCheck check_;
  ContentFaults faults_;
};

}  // namespace dromos::smtp
