// Which parts a reader shows: RFC 8621 §4.1.4 textBody, htmlBody, attachments, over facts.
#pragma once

#include <cstdint>
#include <vector>

#include "common/mime/facts.h"

namespace dromos::mime {

/// Indices into Facts::tree.parts, in display order.
struct BodyParts {
  std::vector<uint32_t> text;
  std::vector<uint32_t> html;
  std::vector<uint32_t> attachments;
};

BodyParts body_parts(const PartTree& tree, const std::vector<PartInfo>& info);
inline BodyParts body_parts(const Facts& facts) {
  return body_parts(facts.tree, facts.info);
}

}  // namespace dromos::mime
