// i;unicode-casemap (RFC 5051, asked for by RFC 5255 §4.3 and RFC 5256 §7): each character to titlecase, then
// decomposed (compatibility decompositions too); what comes out is compared as octets. Pure; never fails.
#pragma once

#include <string>
#include <string_view>

namespace dromos::mime {

/// `utf8` must be clean UTF-8.
std::string casemap_key(std::string_view utf8);
void append_casemap(std::string& out, std::string_view utf8);

/// Text that fold_case has folded, decomposed as casemap_key does; ASCII stays as it is. Comparing folded and
/// decomposed text finds what i;unicode-casemap finds, and more: docs/decisions/0013-what-search-folds.md.
std::string decompose_folded(std::string_view folded);
/// True if decompose_folded would change it.
bool has_decompositions(std::string_view folded);

/// Canonical composition of what was decomposed: what a compatibility decomposition took apart stays apart.
std::string compose(std::string_view decomposed);

/// A text to be found in folded text, as i;unicode-casemap compares (RFC 4790 §9.2, substrings).
class CasemapNeedle {
 public:
  CasemapNeedle() = default;
  explicit CasemapNeedle(std::string folded);
  const std::string& folded() const { return folded_; }
  const std::string& decomposed() const { return decomposed_; }
  bool in(std::string_view folded_text) const;

 private:
  std::string folded_;
  std::string decomposed_;
};

}  // namespace dromos::mime
