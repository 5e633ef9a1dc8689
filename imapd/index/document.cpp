#include "imapd/index/document.h"

#include <algorithm>
#include <array>

#include "common/mime/text.h"
#include "imapd/index/language.h"

namespace dromos::imapd {
namespace {

constexpr std::array<std::string_view, 6> kAddressFields = {"from", "sender", "reply-to", "to", "cc", "bcc"};
/// Of all addresses: a list of thousands of recipients is not worth more.
constexpr size_t kMaxAddresses = 16 * 1024;

void append(std::string& out, std::string_view value) {
  if (!out.empty()) out += '\n';
  out += value;
}

}  // namespace

store::WordDocument document_of(MessageId id, std::string_view search_text) {
  store::WordDocument document;
  document.id = id;
  const mime::SearchText text = mime::split_search_text(search_text);
  for (std::string_view rest = text.headers; !rest.empty();) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const size_t colon = line.find(": ");
    if (colon == std::string_view::npos) continue;
    const std::string_view name = line.substr(0, colon);
    const std::string_view value = line.substr(colon + 2);
    if (name == "subject") {
      append(document.subject, value);
    } else if (std::find(kAddressFields.begin(), kAddressFields.end(), name) != kAddressFields.end() &&
               document.addresses.size() < kMaxAddresses) {
      append(document.addresses, value.substr(0, kMaxAddresses));
    }
  }
  document.body = text.body.substr(0, store::WordIndex::kMaxBody);
  return document;
}

std::string language_sample(std::string_view subject, std::string_view body) {
  std::string sample(subject.substr(0, kGuessBytes / 4));
  sample += '\n';
  sample += body.substr(0, kGuessBytes);
  return sample;
}

void set_language(store::WordDocument& document) {
  document.language = guess_language(language_sample(document.subject, document.body));
}

}  // namespace dromos::imapd
