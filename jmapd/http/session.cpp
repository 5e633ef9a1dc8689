#include "jmapd/http/session.h"

#include <nlohmann/json.hpp>

#include "common/base/strings.h"
#include "common/crypto/crypto.h"
#include "jmapd/methods/registry.h"
#include "jmapd/service/email_filter.h"

namespace dromos::jmapd {
namespace {

using nlohmann::json;

json core_capability(const config::JmapLimits& limits) {
  return {{"maxSizeUpload", limits.upload_size.bytes},
          {"maxConcurrentUpload", kConcurrentUploads},
          {"maxSizeRequest", limits.request_size.bytes},
          {"maxConcurrentRequests", limits.concurrent_requests},
          {"maxCallsInRequest", limits.calls_in_request},
          {"maxObjectsInGet", limits.objects_in_get},
          {"maxObjectsInSet", limits.objects_in_set},
          {"collationAlgorithms", {"i;ascii-casemap", "i;unicode-casemap"}}};
}

json mail_capability(const config::JmapLimits& limits) {
  return {{"maxMailboxesPerEmail", nullptr},
          {"maxMailboxDepth", nullptr},
          {"maxSizeMailboxName", 255},
          {"maxSizeAttachmentsPerEmail", limits.upload_size.bytes},
          {"emailQuerySortOptions",
           {"receivedAt", "size", "from", "to", "subject", "sentAt", "hasKeyword", "allInThreadHaveKeyword",
            "someInThreadHaveKeyword"}},
          {"mayCreateTopLevelMailbox", true}};
}

}  // namespace

std::string base_url(const Services& services, const http::Request& request) {
  const std::string& configured = services.shared.config.jmapd.base_url;
  if (!configured.empty())
    return configured.ends_with('/') ? configured.substr(0, configured.size() - 1) : configured;
  return std::string(request.tls ? "https://" : "http://") + std::string(request.headers.value("Host"));
}

std::string session_state(const Services& services, const Login& login) {
  const std::string facts = core_capability(services.shared.limits).dump() +
                            mail_capability(services.shared.limits).dump() + login.name +
                            services.shared.config.jmapd.base_url;
  return hex(crypto::as_bytes(crypto::sha256(facts)).substr(0, 8));
}

json session_object(const Services& services, const Login& login, const std::string& base) {
  const config::JmapLimits& limits = services.shared.limits;
  const std::string core(kCore);
  const std::string mail(kMail);
  const std::string account = to_text(login.account);
  json out;
  out["capabilities"] = {{core, core_capability(limits)}, {mail, json::object()}};
  out["accounts"] = {{account,
                      {{"name", login.name},
                       {"isPersonal", true},
                       {"isReadOnly", false},
                       {"accountCapabilities", {{core, json::object()}, {mail, mail_capability(limits)}}}}}};
  out["primaryAccounts"] = {{core, account}, {mail, account}};
  out["username"] = login.name;
  out["apiUrl"] = base + "/jmap";
  out["downloadUrl"] = base + "/jmap/download/{accountId}/{blobId}/{name}?accept={type}";
  out["uploadUrl"] = base + "/jmap/upload/{accountId}/";
  out["eventSourceUrl"] = base + "/jmap/eventsource?types={types}&closeafter={closeafter}&ping={ping}";
  out["state"] = session_state(services, login);
  return out;
}

}  // namespace dromos::jmapd
