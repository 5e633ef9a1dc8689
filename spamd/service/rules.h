// Rules: named facts about header and structure, each with a prior weight in log-odds.
//
// A rule is a token of group `rule` too, so training moves its weight; what a scan reports is prior plus
// learned. Names are an interface (facts in answers, logs): a rule may be added or dropped, a name never
// changes meaning. Rules on the age of Date are absent on purpose: mail is also scanned long after it was
// sent.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "spamd/service/mail_view.h"

namespace dromos::spamd {

struct Rule {
  std::string_view name;
  double prior;
  std::string_view description;
};

struct RuleHit {
  const Rule* rule;
  std::string detail;  ///< UTF-8, at most kMaxDetail bytes
};
inline constexpr size_t kMaxDetail = 200;

/// What the walk over the parts found; the rules on content judge it.
struct ContentStats {
  size_t words = 0;
  size_t capital_words = 0;
  size_t wide_chars = 0;
  size_t zero_width = 0;
  size_t text_bytes = 0;
  size_t html_parts = 0;
  size_t plain_parts = 0;
  size_t base64_text_parts = 0;  ///< text/* in base64 though all ASCII
  size_t attachments = 0;
  size_t images = 0;
  size_t hidden_bytes = 0;
  size_t mismatched_links = 0;
  size_t links = 0;
  size_t ip_links = 0;
  size_t port_links = 0;
  size_t user_links = 0;
  size_t shortened_links = 0;
  size_t comments = 0;
  bool form = false;
  bool script = false;
  std::string risky_attachment;
  std::string ip_link;
  std::string shortened_link;
};

/// All rules that hold, in table order.
std::vector<RuleHit> run_rules(const MailView& mail, const Envelope& envelope, const ContentStats& content);

const Rule* find_rule(std::string_view name);
const std::vector<Rule>& all_rules();

}  // namespace dromos::spamd
