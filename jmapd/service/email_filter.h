// Filters and sorts of Email/query (RFC 8621 §4.4): parsed from JSON, then judged email by email.
//
// A condition either looks at the row alone, or needs the search text or facts; what rows can decide is
// decided first (three-valued), and content is read only for emails that are still open.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "jmapd/protocol/error.h"
#include "jmapd/service/account_view.h"

namespace dromos::jmapd {

inline constexpr size_t kMaxFilterDepth = 20;
inline constexpr size_t kMaxFilterNodes = 500;
inline constexpr size_t kMaxSortKeys = 20;

/// What an email says beyond its row; nullopt: not read.
struct EmailContent {
  std::optional<std::string> text;  ///< mime::search_text
  std::optional<bool> has_attachment;
};

enum class Verdict { no, yes, open };

class EmailFilter {
 public:
  EmailFilter();
  ~EmailFilter();
  EmailFilter(EmailFilter&&) noexcept;
  EmailFilter& operator=(EmailFilter&&) noexcept;

  /// nullptr: matches all. unsupportedFilter for unknown conditions, invalidArguments for malformed ones.
  static Outcome<EmailFilter> parse(const nlohmann::json* filter);

  Verdict judge(const AccountView& view, const EmailRow& row, const EmailContent& content) const;
  bool needs_text() const { return needs_text_; }
  bool needs_facts() const { return needs_facts_; }
  /// Looks at other emails of the thread.
  bool looks_at_thread() const { return looks_at_thread_; }
  /// Folded words that SearchSnippet marks: of text, and of subject or body conditions; none of what shall
  /// not be there.
  const std::vector<std::string>& subject_words() const { return subject_words_; }
  const std::vector<std::string>& body_words() const { return body_words_; }

  struct Node;

 private:
  std::unique_ptr<Node> root_;
  bool needs_text_ = false;
  bool needs_facts_ = false;
  bool looks_at_thread_ = false;
  std::vector<std::string> subject_words_, body_words_;
  friend class FilterParser;
};

struct SortKey {
  enum class What { received, size, from, to, subject, sent, keyword, all_in_thread, some_in_thread };
  What what = What::received;
  bool ascending = true;
  std::string keyword;
  bool needs_facts() const { return what >= What::from && what <= What::sent; }
  bool looks_at_thread() const { return what >= What::all_in_thread; }
};

Outcome<std::vector<SortKey>> parse_sort(const nlohmann::json* sort);

bool all_in_thread(const AccountView& view, ThreadId thread, std::string_view keyword);
bool some_in_thread(const AccountView& view, ThreadId thread, std::string_view keyword);

}  // namespace dromos::jmapd
