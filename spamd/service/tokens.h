// Tokens: what the text model counts, as 64-bit hashes in groups.
//
// The low 4 bits of a token are its group, the rest a hash of its text. Tokens are stored (spam.token) and
// shared between nodes, so hash, groups and spelling are a format: a change of any raises kFeatureVersion
// (features.h) and makes learned models useless. Little-endian machines only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace dromos::spamd {

enum class Group : uint8_t {
  word,       ///< words of the readable text
  pair,       ///< two words at most two apart
  subject,    ///< words and pairs of the subject, and of the sender's display name
  header,     ///< what the sender's software writes: field names, mailer, shape of Message-ID
  sender,     ///< domains and local parts of the sender
  url,        ///< hosts, registered domains, TLDs and paths of links
  structure,  ///< MIME tree, charsets, encodings, HTML elements, sizes
  rule,       ///< named rules that hold (rules.h)
  count_
};
inline constexpr size_t kGroups = static_cast<size_t>(Group::count_);
inline constexpr uint64_t kGroupMask = 15;

using Token = uint64_t;

uint64_t hash_bytes(std::string_view bytes, uint64_t seed = 0);
Token make_token(Group group, uint64_t hash);
inline Group group_of(Token token) {
  return static_cast<Group>(token & kGroupMask);
}

/// Distinct tokens of one message, bounded in number, in order of first sight.
class TokenSet {
 public:
  /// All tokens of a message, and the share of each group: a flood of one kind leaves room for the others.
  static constexpr size_t kMaxTokens = 4096;
  static constexpr std::array<uint16_t, kGroups> kMaxOfGroup = {1400, 1800, 150, 150, 40, 250, 250, 56};

  /// With `keep_text` the spelling of each token is kept for Explain.
  explicit TokenSet(bool keep_text = false);

  /// One token spelt `tag` + `text`; the tag separates fields ("url:" and "tld:").
  void add(Group group, std::string_view tag, std::string_view text = {});
  /// The pair of two words hashed before; `gap` words lie between them.
  void add_pair(Group group, uint64_t first, uint64_t second, int gap, std::string_view first_text,
                std::string_view second_text);

  const std::vector<Token>& tokens() const { return tokens_; }
  size_t count_of(Group group) const { return counts_[static_cast<size_t>(group)]; }
  bool full(Group group) const { return count_of(group) >= kMaxOfGroup[static_cast<size_t>(group)]; }
  /// Empty unless built with keep_text.
  std::string text_of(Token token) const;

 private:
  bool insert(Token token);

  static constexpr size_t kSlots = 8192;
  std::vector<Token> slots_;
  std::vector<Token> tokens_;
  std::array<uint16_t, kGroups> counts_{};
  bool keep_text_;
  std::unordered_map<Token, std::string> texts_;
};

}  // namespace dromos::spamd
