#include "imapd/index/attachment.h"

#include <algorithm>
#include <array>

#include "common/base/strings.h"
#include "common/mime/encodings.h"

namespace dromos::imapd {
namespace {

constexpr std::array<std::string_view, 3> kFamilies = {"vnd.openxmlformats-officedocument.",
                                                       "vnd.oasis.opendocument.", "vnd.ms-"};
constexpr std::array<std::string_view, 22> kEndings = {
    ".pdf",  ".docx", ".docm", ".dotx", ".dotm", ".xlsx", ".xlsm", ".xltx", ".xltm", ".pptx", ".pptm",
    ".ppsx", ".ppsm", ".potx", ".potm", ".odt",  ".ott",  ".ods",  ".ots",  ".odp",  ".otp",  ".odg"};

bool by_type(const mime::PartInfo& info) {
  if (!info.is("application")) return false;
  const std::string subtype = to_lower(info.subtype);
  if (subtype == "pdf" || subtype == "x-pdf") return true;
  // vnd.ms-word.document.macroenabled.12 is OOXML, vnd.ms-excel is not.
  if (subtype.starts_with(kFamilies[2])) return subtype.find("macroenabled") != std::string::npos;
  return subtype.starts_with(kFamilies[0]) || subtype.starts_with(kFamilies[1]);
}

bool by_name(std::string_view name) {
  const size_t dot = name.rfind('.');
  if (dot == std::string_view::npos) return false;
  const std::string ending = to_lower(name.substr(dot));
  return std::find(kEndings.begin(), kEndings.end(), ending) != kEndings.end();
}

}  // namespace

bool is_document(const mime::PartInfo& info) {
  if (info.is_text() || info.is("message") || info.is("multipart")) return false;
  return by_type(info) || by_name(info.filename());
}

std::vector<uint32_t> documents_in(const mime::Facts& facts) {
  std::vector<uint32_t> found;
  for (uint32_t i = 0; i < facts.tree.parts.size() && found.size() < kMaxDocuments; ++i)
    if (facts.tree.parts[i].kind == mime::PartKind::leaf && is_document(facts.info[i])) found.push_back(i);
  return found;
}

bool has_documents(std::string_view encoded_facts) {
  const auto view = mime::FactsView::open(encoded_facts);
  if (!view) return true;
  // Names and types stand in the structure, in any case.
  const std::string structure = to_lower(view->bodystructure());
  if (structure.find("\"application\"") == std::string::npos && structure.find("name") == std::string::npos)
    return false;
  const auto facts = mime::decode_facts(encoded_facts);
  return !facts || !documents_in(*facts).empty();
}

std::string document_bytes(std::string_view raw, const mime::Facts& facts, uint32_t part) {
  const mime::Part& where = facts.tree.parts[part];
  const mime::PartInfo& info = facts.info[part];
  return mime::decode(mime::encoding_of(info.encoding ? std::string_view(*info.encoding) : ""),
                      raw.substr(where.body_begin, where.body_size()));
}

}  // namespace dromos::imapd
