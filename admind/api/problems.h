// Error answers (RFC 9457): what is wrong (title, detail), where (errors[].pointer), how to mend it (hint),
// and the trace id under which the log has more (instance).
#pragma once

#include <string>
#include <vector>

#include "admind/api/bind.h"
#include "common/base/error.h"
#include "common/base/ids.h"
#include "common/http/message.h"

namespace dromos::admind {

/// `code` is a stable word: "invalid", "not_found".
http::Response refuse(int status, std::string_view code, std::string_view detail, std::string_view hint,
                      TraceId trace, const std::vector<Fault>& faults = {});
http::Response refuse(const Error& error, TraceId trace);
int problem_status(const Error& error);

}  // namespace dromos::admind
