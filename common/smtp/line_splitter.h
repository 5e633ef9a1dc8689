// Cuts the command stream into lines. Only CR LF ends a line (RFC 5321 §2.3.8); a line that holds NUL, a bare
// CR or a bare LF is one bad line up to its true CR LF, so that nothing hidden behind a lone LF runs as a
// command. Push-style: the same lines come out whatever the chunks. Memory is bounded by the limit.
#pragma once

#include <string>
#include <string_view>

namespace dromos::smtp {

/// RFC 4954 §4: AUTH lines and responses; all other commands are held to kMaxCommandLine by parse_command.
inline constexpr size_t kMaxLine = 12288;

enum class LineStatus { need_more, line, too_long, bare_cr, bare_lf, nul };

class LineSplitter {
 public:
  explicit LineSplitter(size_t limit = kMaxLine) : limit_(limit) {}

  /// Eats bytes from the front of `input`. On `line`, `line` is the text without CR LF, valid until the next
  /// call or until the input's buffer goes. Other results but need_more tell of one refused line, fully
  /// eaten.
  LineStatus next(std::string_view& input, std::string_view& line);

  /// True between lines: no partial line is held (what STARTTLS must check besides unread input).
  bool empty() const { return !partial_; }
  void reset();

 private:
  LineStatus finish(std::string_view& line);
  void keep(std::string_view bytes);

  size_t limit_;
  std::string held_;
  LineStatus fault_ = LineStatus::line;
  bool partial_ = false;  // bytes of an unfinished line were eaten
  bool cr_ = false;       // the last byte eaten was CR
  bool returned_ = false;
};

/// "bare LF in a command line" and so on, for the reply.
std::string_view describe(LineStatus status);

}  // namespace dromos::smtp
