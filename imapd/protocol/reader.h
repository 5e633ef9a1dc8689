// Command framing: cuts the octets of a connection into lines, literals and commands (RFC 9051 §4.3, RFC
// 7888).
//
// Feed octets to next() until it has taken them all; after each step but `need_more` look at the step's
// accessor. A literal is announced before one octet of it is read, so the session decides by size and
// context: accept() puts it into the command's text (arguments) or streams it out in chunks (message data),
// refuse() ends the command and skips what a non-synchronising literal still sends. Nothing here grows past
// ReaderLimits. Feeding byte by byte gives the same commands as feeding whole (only chunk boundaries differ).
//
// Errors: `bad` asks for `tag BAD reason` and goes on with the next line; `fatal` for `* BYE` and close.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dromos::imapd {

struct ReaderLimits {
  size_t line = 64 * 1024;                 // octets between two literals
  size_t text = 1024 * 1024;               // all lines of one command, without literals
  size_t argument_literals = 1024 * 1024;  // octets of all literals kept in memory, of one command
  uint32_t literals = 1002;    // per command, those of message data included: see kMaxAppendMessages
  uint64_t skip = 256 * 1024;  // octets of a refused command that are read and dropped
};

/// A command as received: lines joined by their literals, no final CRLF. Streamed literals leave only their
/// head.
struct RawCommand {
  struct Streamed {
    size_t offset;  // in text, just past "}\r\n"
    uint64_t size;
    bool has_nul;  // only literal8 may (RFC 9051 §4.3.1)
  };
  std::string text;
  std::vector<Streamed> streamed;
};

struct LiteralHead {
  uint64_t size = 0;
  bool synchronising = true;  // the client waits for "+": send it when accept() was called
  bool binary = false;        // ~{n}
  bool message_data = false;  // APPEND and REPLACE: streamed by accept()
  uint32_t index = 0;  // of all literals of the command; of streamed ones the same as in RawCommand::streamed
};

class CommandReader {
 public:
  enum class Step {
    need_more,
    literal,       // head(), text_so_far(); answer with accept() or refuse()
    chunk,         // chunk(): octets of a streamed literal, in order
    literal_done,  // a streamed literal (perhaps empty) is complete
    command,       // command(), until the next call of next()
    line,          // line(): after expect_line()
    refused,       // a refused command has ended: send the tagged answer now
    bad,           // tag(), reason()
    fatal,         // reason(); next() returns this forever
  };

  explicit CommandReader(ReaderLimits limits = {}) : limits_(limits), next_limits_(limits) {}

  /// Takes octets from the front of `bytes` until something is to be done.
  Step next(std::string_view& bytes);

  const LiteralHead& head() const { return head_; }
  /// What came before the literal: enough for parse_append_head.
  const RawCommand& text_so_far() const { return raw_; }
  void accept();
  void refuse();
  std::string_view chunk() const { return chunk_; }
  const RawCommand& command() const { return raw_; }
  RawCommand take_command() { return std::move(raw_); }

  /// The next line is no command: SASL response or DONE.
  void expect_line() { expect_line_ = true; }
  std::string_view line() const { return raw_.text; }

  /// Tag of the command in progress, "" if it has none that could be echoed.
  std::string_view tag() const { return tag_; }
  std::string_view reason() const { return reason_; }

  /// Takes effect with the next command.
  void set_limits(ReaderLimits limits);
  /// Between two commands: the connection may be hibernated.
  bool idle() const;
  /// Gives memory back; only when idle().
  void release();
  size_t memory() const;

 private:
  enum class State { line, announced, buffer, stream, skip_line, skip_literal, refused, done, dead };

  // Each returns nothing if the state changed and the loop in next() should go on.
  using Outcome = std::optional<Step>;
  void start_command();
  Outcome read_line(std::string_view& bytes);
  Outcome end_line();
  Outcome read_buffered(std::string_view& bytes);
  Outcome read_streamed(std::string_view& bytes);
  Outcome skip_line(std::string_view& bytes);
  Outcome skip_literal(std::string_view& bytes);
  Outcome announce(const LiteralHead& head);
  Outcome end_skipped_line();
  Outcome begin_skip_literal(const LiteralHead& head);
  Outcome end_command(Step step);
  Outcome die(std::string_view reason);
  void spoil(std::string_view reason);
  bool count_skipped(uint64_t octets);
  void learn_tag();

  ReaderLimits limits_;
  ReaderLimits next_limits_;
  State state_ = State::line;
  bool expect_line_ = false;
  bool spoilt_ = false;  // an error is to be told once the command has ended
  RawCommand raw_;
  size_t line_start_ = 0;
  uint64_t remaining_ = 0;  // octets of the literal still to come
  uint64_t buffered_ = 0;   // octets of argument literals kept
  uint64_t skipped_ = 0;
  uint32_t literals_ = 0;
  LiteralHead head_;
  std::string_view chunk_;
  std::string tag_;
  std::string reason_;
  std::string tail_;  // end of a skipped line, where a literal may be announced
};

}  // namespace dromos::imapd
