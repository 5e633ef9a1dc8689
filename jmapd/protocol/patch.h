// PatchObject (RFC 8620 §5.3): paths into a record and their new values; null takes a member away.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "jmapd/protocol/error.h"

namespace dromos::jmapd {

/// `record` with the patch applied. invalidPatch: a path crosses an array or something that is not there, is
/// the prefix of another, or is malformed; invalidProperties cannot arise here.
Outcome<nlohmann::json> apply_patch(nlohmann::json record, const nlohmann::json& patch);

}  // namespace dromos::jmapd
