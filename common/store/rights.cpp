#include "common/store/rights.h"

namespace dromos::store {

std::string plain_letters_of(Rights rights) {
  std::string letters;
  for (size_t i = 0; i < kRightLetters.size(); ++i)
    if ((rights >> i & 1) != 0) letters += kRightLetters[i];
  return letters;
}

std::string letters_of(Rights rights) {
  std::string letters = plain_letters_of(rights);
  if ((rights & (kCreate | kDeleteMailbox)) != 0) letters += 'c';
  if ((rights & (kDeleteMessages | kExpunge)) != 0) letters += 'd';
  return letters;
}

std::optional<Rights> rights_of(std::string_view letters) {
  Rights rights = 0;
  for (const char letter : letters) {
    const size_t at = kRightLetters.find(letter);
    if (letter == 'c')
      rights |= kCreate | kDeleteMailbox;
    else if (letter == 'd')
      rights |= kDeleteMessages | kExpunge;
    else if (at == std::string_view::npos)
      return std::nullopt;
    else
      rights |= 1U << at;
  }
  return rights;
}

}  // namespace dromos::store
