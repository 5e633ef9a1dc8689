#include "mta/outbound/verdict.h"

#include "common/base/strings.h"

namespace dromos::mta {

std::string_view to_string(Fate fate) {
  switch (fate) {
    case Fate::delivered:
      return "delivered";
    case Fate::deferred:
      return "deferred";
    case Fate::failed:
      return "failed";
    case Fate::again:
      return "again";
    case Fate::relayed:
      return "relayed";
  }
  return "?";
}

std::string_view to_string(Stage stage) {
  switch (stage) {
    case Stage::greeting:
      return "greeting";
    case Stage::hello:
      return "EHLO";
    case Stage::starttls:
      return "STARTTLS";
    case Stage::auth:
      return "AUTH";
    case Stage::mail:
      return "MAIL";
    case Stage::rcpt:
      return "RCPT";
    case Stage::data:
      return "DATA";
    case Stage::final_dot:
      return "end of data";
  }
  return "?";
}

std::string one_line(std::string_view text, size_t limit) {
  std::string out = clean_utf8(text);
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  if (out.size() > limit) {
    size_t end = limit;
    while (end > 0 && (static_cast<unsigned char>(out[end]) & 0xc0) == 0x80) --end;
    out.resize(end);
  }
  return out;
}

SendVerdict verdict_of(Stage stage, const smtp::Reply& reply, bool others_accepted) {
  SendVerdict verdict;
  verdict.code = reply.code;
  verdict.diagnostic = one_line(reply.summary(), kMaxDiagnostic);
  const bool refused_to_talk =
      stage == Stage::greeting || stage == Stage::hello || stage == Stage::starttls || stage == Stage::auth;
  const bool too_many = stage == Stage::rcpt && (reply.code == 452 || reply.code == 552);
  if (reply.code >= 200 && reply.code < 300) {
    verdict.fate = Fate::delivered;
  } else if (too_many && others_accepted) {
    verdict.fate = Fate::again;
  } else if (reply.permanent() && !refused_to_talk && !too_many) {
    verdict.fate = Fate::failed;
  } else {
    // Also 3xx where none belongs: a confused server, ask again later.
    verdict.fate = Fate::deferred;
    verdict.other_host = stage != Stage::final_dot;
  }
  const int klass = verdict.fate == Fate::delivered ? 2 : verdict.fate == Fate::failed ? 5 : 4;
  verdict.status = reply.enhanced && reply.enhanced.klass == klass ? reply.enhanced.to_string()
                                                                   : std::to_string(klass) + ".0.0";
  return verdict;
}

SendVerdict own_verdict(std::string status, std::string text) {
  SendVerdict verdict;
  const bool permanent = status.starts_with('5');
  verdict.fate = permanent ? Fate::failed : Fate::deferred;
  verdict.code = permanent ? 550 : 450;
  verdict.diagnostic = one_line(std::to_string(verdict.code) + " " + status + " " + text, kMaxDiagnostic);
  verdict.status = std::move(status);
  return verdict;
}

SendVerdict verdict_of(const Error& error) {
  // 4.4.1 no answer from host, 4.4.2 bad connection (RFC 3463 §3.5), 4.3.0 for the rest.
  const char* status = error.retry() == Retry::timeout ? "4.4.1" : error.is(Errc::closed) ? "4.4.2" : "4.4.1";
  if (error.is(smtp::Errc::bad_reply)) status = "4.5.0";
  if (error.is(Errc::internal)) status = "4.3.0";
  return own_verdict(status, error.message());
}

}  // namespace dromos::mta
