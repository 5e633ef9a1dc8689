#include "common/smtp/reply.h"

#include "common/base/strings.h"

#include <utility>

namespace dromos::smtp {
namespace {

/// RFC 5321 §4.5.3.1.5: 512 octets with code, separator and CR LF.
constexpr size_t kMaxWireText = 500;

/// Leaves no way out of the line: control octets become blanks.
std::string printable(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 32 || c == 127) c = ' ';
  return out;
}

/// The longest front piece of at most `limit` octets that does not cut a UTF-8 sequence.
size_t piece_length(std::string_view text, size_t limit) {
  if (text.size() <= limit) return text.size();
  size_t length = limit;
  while (length > limit - 4 && (static_cast<unsigned char>(text[length]) & 0xC0) == 0x80) --length;
  return length;
}

struct Mapping {
  Errc code;
  int reply;
  EnhancedCode enhanced;
};

constexpr Mapping kMappings[] = {
    {Errc::unknown_command, 500, {5, 5, 1}},
    {Errc::line_too_long, 500, {5, 5, 6}},
    {Errc::bad_line, 500, {5, 5, 2}},
    {Errc::syntax, 501, {5, 5, 4}},
    {Errc::bad_parameter, 501, {5, 5, 4}},
    {Errc::unknown_parameter, 555, {5, 5, 4}},
    {Errc::unsupported_parameter, 504, {5, 5, 4}},
    {Errc::bad_sender, 501, {5, 1, 7}},
    {Errc::bad_recipient, 501, {5, 1, 3}},
    {Errc::bad_address, 501, {5, 1, 3}},
    {Errc::utf8_not_requested, 553, {5, 6, 7}},
    {Errc::bad_content, 550, {5, 6, 0}},
    {Errc::too_large, 552, {5, 3, 4}},
};

}  // namespace

std::string EnhancedCode::to_string() const {
  return std::to_string(klass) + "." + std::to_string(subject) + "." + std::to_string(detail);
}

std::optional<EnhancedCode> EnhancedCode::parse(std::string_view text) {
  const auto parts = split(text, '.');
  if (parts.size() != 3) return std::nullopt;
  uint16_t values[3] = {};
  for (size_t i = 0; i < 3; ++i) {
    if (parts[i].empty() || parts[i].size() > 3 || (parts[i].size() > 1 && parts[i][0] == '0'))
      return std::nullopt;
    const auto value = parse_number<uint16_t>(parts[i]);
    if (!value) return std::nullopt;
    values[i] = *value;
  }
  if (values[0] != 2 && values[0] != 4 && values[0] != 5) return std::nullopt;
  return EnhancedCode{values[0], values[1], values[2]};
}

std::string Reply::text() const {
  return join(lines, " ");
}

std::string Reply::summary() const {
  std::string out = std::to_string(code);
  if (enhanced) out += " " + enhanced.to_string();
  const std::string words = text();
  return words.empty() ? out : out + " " + words;
}

void Reply::write(std::string& out) const {
  std::vector<std::string> pieces;
  for (const std::string& line : lines) {
    const std::string clean = printable(line);
    std::string_view rest = clean;
    do {
      const size_t length = piece_length(rest, kMaxWireText - 12);
      pieces.emplace_back(rest.substr(0, length));
      rest.remove_prefix(length);
    } while (!rest.empty());
  }
  if (pieces.empty()) pieces.emplace_back();
  const std::string prefix = std::to_string(code);
  const std::string status = enhanced ? enhanced.to_string() + " " : std::string();
  for (size_t i = 0; i < pieces.size(); ++i) {
    out += prefix;
    out += i + 1 == pieces.size() ? ' ' : '-';
    out += status;
    out += pieces[i];
    out += "\r\n";
  }
}

std::string Reply::wire() const {
  std::string out;
  write(out);
  return out;
}

Reply reply_for(const Error& error) {
  for (const Mapping& mapping : kMappings)
    if (error.is(mapping.code)) return {mapping.reply, mapping.enhanced, error.message()};
  if (error.may_retry()) return {451, {4, 3, 0}, "Temporary local problem, try again later"};
  return {554, {5, 3, 0}, "Transaction failed"};
}

/// True when the line is the reply's last.
Result<bool> ReplyParser::take_line(std::string_view line) {
  if (line.size() < 3 || !is_digit(line[0]) || !is_digit(line[1]) || !is_digit(line[2]))
    return fail(Errc::bad_reply, "reply does not begin with a code");
  const int code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
  if (code < 200 || code > 599) return fail(Errc::bad_reply, "reply code out of range");
  if (line.size() > 3 && line[3] != ' ' && line[3] != '-')
    return fail(Errc::bad_reply, "no blank or hyphen after the reply code");
  if (!reply_.lines.empty() && code != reply_.code)
    return fail(Errc::bad_reply, "codes differ within one reply");
  if (reply_.lines.size() == kMaxReplyLines) return fail(Errc::bad_reply, "reply has too many lines");
  const bool first = reply_.lines.empty();
  reply_.code = code;
  std::string_view text = line.size() > 4 ? line.substr(4) : std::string_view();
  const size_t blank = text.find(' ');
  const auto enhanced = EnhancedCode::parse(text.substr(0, blank));
  // RFC 2034 §4: it stands on each line; only a class that fits the code counts.
  if (enhanced && enhanced->klass == code / 100) {
    if (first) reply_.enhanced = *enhanced;
    if (*enhanced == reply_.enhanced) text = blank == std::string_view::npos ? "" : text.substr(blank + 1);
  }
  reply_.lines.push_back(printable(text));
  return line.size() == 3 || line[3] == ' ';
}

Result<std::optional<Reply>> ReplyParser::feed(std::string_view& input) {
  while (!input.empty()) {
    const size_t lf = input.find('\n');
    const std::string_view part = input.substr(0, lf);
    // One more octet for the CR, whether or not its LF is here yet.
    if (held_.size() + part.size() > kMaxReplyLine + 1)
      return fail(Errc::bad_reply, "reply line is too long");
    held_.append(part);
    if (lf == std::string_view::npos) {
      input = {};
      break;
    }
    input.remove_prefix(lf + 1);
    if (!held_.empty() && held_.back() == '\r') held_.pop_back();
    if (held_.size() > kMaxReplyLine) return fail(Errc::bad_reply, "reply line is too long");
    TRY(const bool last, take_line(held_));
    held_.clear();
    if (last) return std::exchange(reply_, Reply());
  }
  return std::optional<Reply>();
}

bool Capabilities::has_auth(std::string_view mechanism) const {
  for (const std::string& name : auth)
    if (iequals(name, mechanism)) return true;
  return false;
}

static void add_capability(Capabilities& caps, std::string_view line) {
  const auto words = split(trim(line), ' ');
  const std::string keyword = to_upper(words[0]);
  if (keyword == "SIZE") {
    caps.size = true;
    if (words.size() > 1) caps.max_size = parse_number<uint64_t>(words[1]).value_or(0);
  } else if (keyword == "8BITMIME") {
    caps.eight_bit_mime = true;
  } else if (keyword == "BINARYMIME") {
    caps.binary_mime = true;
  } else if (keyword == "SMTPUTF8") {
    caps.smtputf8 = true;
  } else if (keyword == "STARTTLS") {
    caps.starttls = true;
  } else if (keyword == "PIPELINING") {
    caps.pipelining = true;
  } else if (keyword == "CHUNKING") {
    caps.chunking = true;
  } else if (keyword == "DSN") {
    caps.dsn = true;
  } else if (keyword == "ENHANCEDSTATUSCODES") {
    caps.enhanced_status_codes = true;
  } else if (keyword == "REQUIRETLS") {
    caps.requiretls = true;
  } else if (keyword == "AUTH" || keyword.starts_with("AUTH=")) {
    const auto add = [&](std::string_view name) {
      if (!name.empty() && !caps.has_auth(name)) caps.auth.push_back(to_upper(name));
    };
    if (keyword.size() > 5) add(std::string_view(keyword).substr(5));
    for (size_t i = 1; i < words.size(); ++i) add(words[i]);
  }
}

Capabilities parse_capabilities(const Reply& ehlo) {
  Capabilities caps;
  caps.esmtp = ehlo.code == 250;
  if (!caps.esmtp) return caps;
  // The first line is the greeting.
  for (size_t i = 1; i < ehlo.lines.size(); ++i) add_capability(caps, ehlo.lines[i]);
  return caps;
}

}  // namespace dromos::smtp
