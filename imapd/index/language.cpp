#include "imapd/index/language.h"

#include <cld2/public/compact_lang_det.h>
#include <algorithm>
#include <cstdio>  // cld2 needs FILE
#include <vector>

#include "common/base/strings.h"

namespace dromos::imapd {
namespace {

struct Known {
  std::string_view code, name;
};
constexpr Known kKnown[] = {
    {"ar", "arabic"},  {"ca", "catalan"},    {"da", "danish"},     {"de", "german"},    {"el", "greek"},
    {"en", "english"}, {"es", "spanish"},    {"eu", "basque"},     {"fi", "finnish"},   {"fr", "french"},
    {"ga", "irish"},   {"hi", "hindi"},      {"hu", "hungarian"},  {"hy", "armenian"},  {"id", "indonesian"},
    {"it", "italian"}, {"lt", "lithuanian"}, {"ms", "indonesian"}, {"nb", "norwegian"}, {"ne", "nepali"},
    {"nl", "dutch"},   {"no", "norwegian"},  {"pt", "portuguese"}, {"ro", "romanian"},  {"ru", "russian"},
    {"sr", "serbian"}, {"sv", "swedish"},    {"ta", "tamil"},      {"tr", "turkish"},   {"yi", "yiddish"}};
constexpr size_t kLeastBytes = 12;

}  // namespace

std::string_view guess_language(std::string_view utf8) {
  std::string_view head = utf8.substr(0, kGuessBytes);
  // Cut at a character.
  while (head.size() < utf8.size() && !head.empty() &&
         (static_cast<unsigned char>(utf8[head.size()]) & 0xC0) == 0x80)
    head.remove_suffix(1);
  if (head.size() < kLeastBytes || !is_utf8(head)) return "simple";
  bool reliable = false;
  const CLD2::Language language =
      CLD2::DetectLanguage(head.data(), static_cast<int>(head.size()), true, &reliable);
  if (!reliable) return "simple";
  const std::string_view code = CLD2::LanguageCode(language);
  const auto* known =
      std::find_if(std::begin(kKnown), std::end(kKnown), [&](const Known& k) { return k.code == code; });
  return known == std::end(kKnown) ? "simple" : known->name;
}

std::span<const std::string_view> index_languages() {
  static const std::vector<std::string_view> names = [] {
    std::vector<std::string_view> all{"simple"};
    for (const Known& known : kKnown)
      if (std::find(all.begin(), all.end(), known.name) == all.end()) all.push_back(known.name);
    return all;
  }();
  return names;
}

size_t language_number(std::string_view name) {
  const auto names = index_languages();
  const auto at = std::find(names.begin(), names.end(), name);
  return at == names.end() ? 0 : static_cast<size_t>(at - names.begin());
}

}  // namespace dromos::imapd
