// From a stored search text (common/mime/text.h) to what the word index takes. Pure.
#pragma once

#include <string>
#include <string_view>

#include "common/store/word_index.h"

namespace dromos::imapd {

/// Subject, addresses (From, Sender, Reply-To, To, Cc, Bcc) and the body's first WordIndex::kMaxBody bytes;
/// the language is not guessed yet.
store::WordDocument document_of(MessageId id, std::string_view search_text);
/// The subject alone, of header lines as they are in a search text.
std::string subject_of(std::string_view headers);
/// What guess_language is to look at.
std::string language_sample(std::string_view subject, std::string_view body);
/// Guesses the language of subject and body.
void set_language(store::WordDocument& document);

}  // namespace dromos::imapd
