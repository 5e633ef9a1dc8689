#include "jmapd/service/blobs.h"

#include <algorithm>
#include <cstring>

#include "common/async/offload.h"
#include "common/mime/facts.h"
#include "common/mime/section.h"
#include "common/store/errc.h"

namespace dromos::jmapd {
namespace {

/// Larger messages than any listener takes are not decoded in memory.
constexpr size_t kMaxBlob = 128 * 1024 * 1024;
constexpr size_t kParseInline = 256 * 1024;

tl::unexpected<MethodError> no_blob() {
  return refuse("blobNotFound");
}

Result<std::string> part_of(const std::string& bytes, const std::vector<uint32_t>& parts) {
  std::string current = bytes;
  for (const uint32_t part : parts) {
    const mime::Facts facts = mime::build_facts(current);
    if (part < facts.tree.parts.size() && facts.tree.parts[part].kind == mime::PartKind::multipart)
      return fail(Errc::not_found, "a multipart is no blob");
    TRY(std::string decoded, mime::decoded_part(current, facts, part));
    current = std::move(decoded);
  }
  return current;
}

}  // namespace

store::BlobHash hash_of(const BlobId& id) {
  store::BlobHash hash{};
  std::memcpy(hash.data(), id.hash.data(), std::min(hash.size(), id.hash.size()));
  return hash;
}

Task<Outcome<std::string>> load_blob(Services& services, AccountId account, BlobId id, Deadline deadline) {
  auto bytes = co_await services.blobs->read_all(account, hash_of(id), kMaxBlob, deadline);
  if (!bytes && (bytes.error().is(store::StoreErrc::not_found) || bytes.error().is(Errc::limit_exceeded)))
    co_return no_blob();
  JM_TRY(std::string whole, std::move(bytes));
  if (id.parts.empty()) co_return whole;
  Result<std::string> part = fail(Errc::not_found, "");
  if (whole.size() <= kParseInline) {
    part = part_of(whole, id.parts);
  } else {
    auto work = [whole = std::move(whole), parts = id.parts] { return part_of(whole, parts); };
    part = co_await offload(std::move(work));
  }
  if (!part) co_return no_blob();
  co_return std::move(*part);
}

}  // namespace dromos::jmapd
