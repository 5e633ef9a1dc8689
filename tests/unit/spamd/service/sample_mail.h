// Small mail for the filter's tests, composed from lists of words so that no two are alike. Written for the
// tests.
#pragma once

#include <string>

namespace dromos::spamd::sample {

inline std::string pick(const char* const* words, size_t count, unsigned seed) {
  std::string out;
  for (unsigned i = 0; i < 40; ++i) {
    seed = seed * 1103515245U + 12345U;
    out.append(words[(seed >> 16) % count]).push_back(i % 9 == 8 ? '\n' : ' ');
  }
  return out;
}

inline std::string spam(unsigned seed) {
  static const char* const kWords[] = {"winner",   "prize",  "claim",     "casino",  "pills",
                                       "discount", "urgent", "click",     "million", "bonus",
                                       "lottery",  "cheap",  "guarantee", "offer"};
  const std::string n = std::to_string(seed);
  return "From: Prize Desk <desk" + n +
         "@lucky-prizes.example>\r\nTo: undisclosed-recipients:;\r\nSubject: CLAIM NOW " + n +
         "!!\r\nMIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<html><body><p>" +
         pick(kWords, std::size(kWords), seed) + "</p><a href=\"http://203.0.113.9/win/" + n +
         "\">here</a></body></html>\r\n";
}

inline std::string ham(unsigned seed) {
  static const char* const kWords[] = {"meeting", "patch",  "compiler", "agenda", "tuesday",
                                       "review",  "branch", "please",   "server", "attached",
                                       "notes",   "thanks", "driver",   "tests"};
  const std::string n = std::to_string(seed);
  return "From: Ann Colleague <ann@work.example>\r\nTo: Bob <bob@work.example>\r\nSubject: Re: review of "
         "branch " +
         n + "\r\nDate: Tue, 10 Mar 2026 10:00:00 +0100\r\nMessage-ID: <" + n +
         ".a@work.example>\r\nIn-Reply-To: <" + n +
         ".b@work.example>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nHi "
         "Bob,\r\n" +
         pick(kWords, std::size(kWords), seed + 7777) + "\r\nAnn\r\n";
}

}  // namespace dromos::spamd::sample
