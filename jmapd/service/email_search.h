// Runs a filter and a sort over an account's view, reading text extracts and facts where they are needed.
#pragma once

#include "jmapd/service/email_filter.h"
#include "jmapd/service/services.h"

namespace dromos::jmapd {

struct EmailSearch {
  EmailFilter filter;
  std::vector<SortKey> sort;
  bool collapse_threads = false;
};

/// Matching rows in order, pointing into `view`.
Task<Outcome<std::vector<const EmailRow*>>> search_emails(Services& services, AccountId account,
                                                          std::shared_ptr<const AccountView> view,
                                                          const EmailSearch& search, Deadline deadline);

}  // namespace dromos::jmapd
