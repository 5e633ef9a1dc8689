// Which parts of a message are documents that dromos-extract may read: by type or by name, since either is
// what the sender chose to write; what it really is the helper sees. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/mime/facts.h"

namespace dromos::imapd {

/// Of one message; the rest is not read.
inline constexpr size_t kMaxDocuments = 20;

bool is_document(const mime::PartInfo& info);
/// Indices into the tree, at most kMaxDocuments.
std::vector<uint32_t> documents_in(const mime::Facts& facts);
/// The same question of stored facts; cheap for messages without attachments. True if facts cannot be read.
bool has_documents(std::string_view encoded_facts);

/// The part's bytes as they were before they were encoded for transfer.
std::string document_bytes(std::string_view raw, const mime::Facts& facts, uint32_t part);

}  // namespace dromos::imapd
