// Whether the words of a text can be told from its decomposition (mime::decompose_folded), by composing it
// again. Not of letters for compatibility (full width, ligatures), the dotless i, marks written apart. Pure.
#pragma once

#include <string_view>

namespace dromos::imapd {

bool same_letters(std::string_view folded);

}  // namespace dromos::imapd
