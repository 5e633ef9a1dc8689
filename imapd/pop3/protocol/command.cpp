#include "imapd/pop3/protocol/command.h"

#include <algorithm>

#include "common/base/strings.h"

namespace dromos::imapd::pop3 {
namespace {

enum class Takes : uint8_t { nothing, rest, maybe_word, number, maybe_number, number_and_lines, mechanism };

struct Entry {
  std::string_view name;
  Verb verb;
  Takes takes;
};

constexpr Entry kEntries[] = {
    {"AUTH", Verb::auth, Takes::mechanism},      {"CAPA", Verb::capa, Takes::nothing},
    {"DELE", Verb::dele, Takes::number},         {"LANG", Verb::lang, Takes::maybe_word},
    {"LIST", Verb::list, Takes::maybe_number},   {"NOOP", Verb::noop, Takes::nothing},
    {"PASS", Verb::pass, Takes::rest},           {"QUIT", Verb::quit, Takes::nothing},
    {"RETR", Verb::retr, Takes::number},         {"RSET", Verb::rset, Takes::nothing},
    {"STAT", Verb::stat, Takes::nothing},        {"STLS", Verb::stls, Takes::nothing},
    {"TOP", Verb::top, Takes::number_and_lines}, {"UIDL", Verb::uidl, Takes::maybe_number},
    {"USER", Verb::user, Takes::rest},           {"UTF8", Verb::utf8, Takes::nothing},
};

const Entry* entry_of(std::string_view word) {
  const auto* at = std::find_if(std::begin(kEntries), std::end(kEntries),
                                [&](const Entry& entry) { return iequals(entry.name, word); });
  return at == std::end(kEntries) ? nullptr : at;
}

Unexpected bad(std::string text) {
  return fail(Errc::invalid_argument, std::move(text));
}

/// The next word of `rest`, and one blank behind it, are taken off; empty if there is none.
std::string_view take_word(std::string_view& rest) {
  const size_t blank = rest.find(' ');
  const std::string_view word = rest.substr(0, blank);
  rest.remove_prefix(blank == std::string_view::npos ? rest.size() : blank + 1);
  return word;
}

/// Digits; what does not fit becomes UINT32_MAX.
std::optional<uint32_t> number_of(std::string_view word) {
  if (word.empty() || !std::all_of(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; }))
    return std::nullopt;
  uint64_t value = 0;
  for (const char c : word)
    value = std::min<uint64_t>(value * 10 + static_cast<uint64_t>(c - '0'), UINT32_MAX);
  return static_cast<uint32_t>(value);
}

Result<void> take_message(std::string_view& rest, Command& out) {
  const auto number = number_of(take_word(rest));
  if (!number) return bad("A message number is needed");
  if (*number == 0) return bad("Message numbers begin at 1");
  out.number = *number;
  return {};
}

Result<void> take_arguments(Takes takes, std::string_view& rest, Command& out) {
  switch (takes) {
    case Takes::nothing:
      break;
    case Takes::rest:
      // PASS has one argument, so blanks belong to it (RFC 1939 §7); RFC 6856 §2.2: bad UTF-8 is refused.
      if (rest.empty()) return bad("An argument is needed");
      if (!is_utf8(rest)) return bad("The argument is not UTF-8");
      out.text = rest;
      rest = {};
      break;
    case Takes::maybe_word:
      out.text = take_word(rest);
      break;
    case Takes::maybe_number:
      if (!rest.empty()) return take_message(rest, out);
      break;
    case Takes::number:
      return take_message(rest, out);
    case Takes::number_and_lines: {
      TRY_VOID(take_message(rest, out));
      const auto lines = number_of(take_word(rest));
      if (!lines) return bad("A number of lines is needed");
      out.lines = *lines;
      break;
    }
    case Takes::mechanism:
      out.text = take_word(rest);
      if (out.text.empty()) return bad("A mechanism is needed");
      if (!rest.empty()) out.initial = take_word(rest);
      break;
  }
  return {};
}

}  // namespace

Result<Command> parse_command(std::string_view line) {
  std::string_view rest = line;
  const Entry* entry = entry_of(take_word(rest));
  if (entry == nullptr) return bad("Unknown command");
  if (line.size() > kMaxCommandLine && entry->verb != Verb::auth) return bad("The line is too long");
  if (entry->takes != Takes::rest)
    while (rest.ends_with(' ')) rest.remove_suffix(1);
  Command command;
  command.verb = entry->verb;
  TRY_VOID(take_arguments(entry->takes, rest, command));
  if (!rest.empty()) return bad("Too many arguments");
  return command;
}

std::string_view name(Verb verb) {
  for (const Entry& entry : kEntries)
    if (entry.verb == verb) return entry.name;
  return "";
}

}  // namespace dromos::imapd::pop3
