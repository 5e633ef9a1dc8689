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

/// Calls `use(name, value)` for each field.
template <class Use>
void each_field(std::string_view headers, Use use) {
  while (!headers.empty()) {
    const size_t end = std::min(headers.find('\n'), headers.size());
    const std::string_view line = headers.substr(0, end);
    headers.remove_prefix(std::min(end + 1, headers.size()));
    const size_t colon = line.find(": ");
    if (colon != std::string_view::npos) use(line.substr(0, colon), line.substr(colon + 2));
  }
}

}  // namespace

std::string subject_of(std::string_view headers) {
  std::string subject;
  each_field(headers, [&subject](std::string_view name, std::string_view value) {
    if (name == "subject") append(subject, value);
  });
  return subject;
}

store::WordDocument document_of(MessageId id, std::string_view search_text) {
  store::WordDocument document;
  document.id = id;
  const mime::SearchText text = mime::split_search_text(search_text);
  each_field(text.headers, [&document](std::string_view name, std::string_view value) {
    if (name == "subject") {
      append(document.subject, value);
    } else if (std::find(kAddressFields.begin(), kAddressFields.end(), name) != kAddressFields.end() &&
               document.addresses.size() < kMaxAddresses) {
      append(document.addresses, value.substr(0, kMaxAddresses));
    }
  });
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
