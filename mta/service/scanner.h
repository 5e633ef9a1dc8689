// Scanner: one Scan at spamd for each message (dromos.spam.v1), bounded by a deadline and a breaker. Every
// failure is "not scanned", never a verdict.
#pragma once

#include <string>
#include <string_view>

#include "common/rpc/client.h"
#include "mta/service/backend.h"

namespace dromos::mta {

struct Verdict {
  bool scanned = false;
  bool spam = false;
  double score = 0;
  double probability = 0;
  std::string_view name = "unscanned";  ///< ham, unsure, spam
  std::string facts;                    ///< names of the strongest, separated by commas
};

class Scanner {
 public:
  Scanner(rpc::Client::Options spamd, milliseconds timeout) : client_(std::move(spamd)), timeout_(timeout) {}
  Task<Verdict> scan(const Envelope& envelope, std::string_view content);

 private:
  rpc::Client client_;
  const milliseconds timeout_;
};

}  // namespace dromos::mta
