#include "common/store/word_index.h"

#include "common/async/offload.h"
#include "common/base/strings.h"
#include "common/store/codec.h"
#include "common/store/errc.h"
#include "common/store/partition.h"
#include "common/store/word_text.h"

namespace dromos::store {
namespace {

const db::Statement kSearch{"word_search", "SELECT i FROM mail.word_search_v1($1, $2, $3, $4, $5) AS i"};
const db::Statement kMatch{"word_match",
                           "SELECT m FROM mail.word_match_v1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) AS m"};
const db::Statement kPending{"word_pending",
                             "SELECT account_id, modseq, indexed FROM mail.word_pending_v1($1, $2, $3, $4)"};
const db::Statement kTail{"word_tail",
                          "SELECT message_ids, modseq, whole FROM mail.word_tail_v1($1, $2, $3)"};
const AccountStatement kTexts{"word_texts",
                              "SELECT message_id, codec, data FROM mail.text_extract_p%p "
                              "WHERE account_id = $1 AND message_id = ANY ($2)"};
const db::Statement kPut{"word_put",
                         "SELECT skipped, partition FROM mail.word_index_put_v1($1, $2, $3, $4, $5, $6, $7)"};
const db::Statement kPosition{"word_position", "SELECT mail.word_position_v1($1, $2)"};
const db::Statement kClean{"word_clean", "SELECT mail.word_index_clean_v1($1)"};
const db::Statement kReset{"word_reset", "SELECT mail.word_index_reset_v1($1)"};

constexpr size_t kMaxHead = 16 * 1024;  // bytes of a subject, and of all addresses
constexpr size_t kMaxTermBytes = 1024;

std::string_view tag_of(WordField field) {
  switch (field) {
    case WordField::subject:
      return "s/";
    case WordField::address:
      return "a/";
    case WordField::any:
      break;
  }
  return "";
}

/// Documents as parallel arrays.
struct Columns {
  std::vector<MessageId> ids;
  std::vector<std::string> language, subject, addresses, body, bigrams;

  void add(const WordDocument& document) {
    WordText s = word_text(document.subject, kMaxHead);
    WordText a = word_text(document.addresses, kMaxHead);
    WordText b = word_text(document.body, WordIndex::kMaxBody);
    std::string pairs = std::move(b.bigrams);
    append(pairs, s.bigrams, "s/");
    append(pairs, a.bigrams, "a/");
    ids.push_back(document.id);
    language.push_back(clean_utf8(document.language));
    subject.push_back(clean_utf8(s.words));
    addresses.push_back(clean_utf8(a.words));
    body.push_back(clean_utf8(b.words));
    bigrams.push_back(std::move(pairs));
  }
  void fill(db::Params& params) const {
    params.add_array(std::span<const std::string>(language)).add_array(std::span<const std::string>(subject));
    params.add_array(std::span<const std::string>(addresses)).add_array(std::span<const std::string>(body));
    params.add_array(std::span<const std::string>(bigrams));
  }

 private:
  /// Plain and tagged; PostgreSQL takes repeated lexemes as one.
  static void append(std::string& out, std::string_view pairs, std::string_view tag) {
    if (pairs.empty()) return;
    for (const std::string_view pair : split(pairs, ' ')) {
      if (!out.empty()) out += ' ';
      out.append(pair).append(" ").append(tag).append(pair);
    }
  }
};

Columns columns_of(const std::vector<WordDocument>& documents) {
  Columns columns;
  for (const WordDocument& document : documents) columns.add(document);
  return columns;
}

/// Terms as parallel arrays of words, and a tsquery of bigrams.
struct Query {
  std::vector<std::string> word, tag;
  std::vector<bool> prefix;
  std::string bigrams;

  bool empty() const { return word.empty() && bigrams.empty(); }

  void add(const WordTerm& term) {
    const std::string_view its_tag = tag_of(term.field);
    const WordText text = word_text(term.text, kMaxTermBytes, WordUse::query);
    if (!text.words.empty()) {
      for (const std::string_view one : split(text.words, ' ')) {
        word.push_back(clean_utf8(one));
        tag.emplace_back(its_tag);
        prefix.push_back(false);
      }
      if (term.prefix) prefix.back() = true;
    }
    if (text.bigrams.empty()) return;
    for (const std::string_view pair : split(text.bigrams, ' ')) {
      if (!bigrams.empty()) bigrams += " & ";
      bigrams.append("'").append(its_tag).append(pair).append("'");
      if (is_single(pair)) bigrams += ":*";
    }
  }
  void fill(db::Params& params) const {
    params.add_array(std::span<const std::string>(word)).add_array(std::span<const std::string>(tag));
    params.add_bool_array(prefix).add(bigrams);
  }

 private:
  static bool is_single(std::string_view pair) {
    size_t characters = 0;
    for (const char c : pair) characters += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    return characters == 1;
  }
};

Query query_of(const std::vector<WordTerm>& terms) {
  Query query;
  for (const WordTerm& term : terms) query.add(term);
  return query;
}

Result<void> check_terms(const std::vector<WordTerm>& terms) {
  if (terms.size() > WordIndex::kMaxTerms) return fail(Errc::limit_exceeded, "too many words in a search");
  return {};
}

}  // namespace

Task<Result<std::vector<MessageId>>> WordIndex::search(AccountId account, std::vector<WordTerm> terms,
                                                       Deadline deadline) {
  CO_TRY_VOID(check_terms(terms));
  std::vector<MessageId> found;
  const Query query = query_of(terms);
  if (query.empty()) co_return found;
  db::Params params;
  params.add(account);
  query.fill(params);
  auto rows = co_await pool_.exec(kSearch, std::move(params), deadline);
  if (!rows) co_return Unexpected(mapped(std::move(rows).error()));
  found.reserve(rows->size());
  for (size_t i = 0; i < rows->size(); ++i) found.push_back(rows->id<MessageId>(i, 0));
  co_return found;
}

Task<Result<WordCandidates>> WordIndex::candidates(AccountId account, std::vector<WordTerm> terms,
                                                   Deadline deadline) {
  CO_TRY_VOID(check_terms(terms));
  WordCandidates found;
  // The tail first: what is indexed in between is then found twice rather than not at all.
  CO_TRY(auto lacking, co_await tail(account, {}, kMaxTail, deadline));
  found.tail = std::move(lacking.messages);
  found.tail_whole = lacking.whole;
  CO_TRY(found.indexed, co_await search(account, std::move(terms), deadline));
  co_return found;
}

Task<Result<std::vector<MessageId>>> WordIndex::match(AccountId account, std::vector<WordTerm> terms,
                                                      std::vector<WordDocument> documents,
                                                      Deadline deadline) {
  CO_TRY_VOID(check_terms(terms));
  std::vector<MessageId> found;
  const Query query = query_of(terms);
  if (query.empty() || documents.empty()) co_return found;
  auto build = [&documents] { return columns_of(documents); };
  const Columns columns = co_await offload(std::move(build));
  db::Params params;
  params.add(account);
  query.fill(params);
  columns.fill(params);
  auto rows = co_await pool_.exec(kMatch, std::move(params), deadline);
  if (!rows) co_return Unexpected(mapped(std::move(rows).error()));
  for (size_t i = 0; i < rows->size() && i < documents.size(); ++i)
    if (rows->boolean(i, 0)) found.push_back(documents[i].id);
  co_return found;
}

Task<Result<std::vector<WordIndex::Pending>>> WordIndex::pending(AccountId after, int32_t shard,
                                                                 int32_t shards, int32_t limit,
                                                                 Deadline deadline) {
  db::Params params;
  params.add(after).add_int32(shard).add_int32(shards).add_int32(limit);
  CO_TRY(const auto rows, co_await pool_.exec(kPending, std::move(params), deadline));
  std::vector<Pending> out;
  for (size_t i = 0; i < rows.size(); ++i)
    out.push_back({rows.id<AccountId>(i, 0), rows.integer(i, 1), rows.integer(i, 2)});
  co_return out;
}

Task<Result<WordTail>> WordIndex::tail(AccountId account, MessageId after, size_t limit, Deadline deadline) {
  db::Params params;
  params.add(account).add(after).add_int32(static_cast<int32_t>(std::min(limit, kMaxTail)));
  auto rows = co_await pool_.exec(kTail, std::move(params), deadline);
  if (!rows) co_return Unexpected(mapped(std::move(rows).error()));
  WordTail out;
  out.messages = rows->ids<MessageId>(0, 0);
  out.modseq = rows->integer(0, 1);
  out.whole = rows->boolean(0, 2);
  co_return out;
}

Task<Result<void>> WordIndex::texts(AccountId account, std::vector<MessageId> ids,
                                    std::function<void(MessageId, std::string)> on_text, Deadline deadline) {
  db::Params params;
  params.add(account).add_array(ids);
  auto on_row = [&on_text](const db::Rows& rows) {
    auto text = unpack(rows.integer(0, 1), rows.bytes(0, 2));
    if (text) on_text(rows.id<MessageId>(0, 0), std::move(*text));
    return true;
  };
  co_return co_await pool_.stream(kTexts.of(account), std::move(params), on_row, deadline);
}

Task<db::Call> WordIndex::call_to_put(AccountId account, std::vector<WordDocument> documents) {
  auto build = [mine = std::move(documents)] { return columns_of(mine); };
  const Columns columns = co_await offload(std::move(build));
  db::Params params;
  params.add(account).add_array(columns.ids);
  columns.fill(params);
  db::Call call{&kPut, std::move(params)};
  co_return call;
}

Task<Result<WordIndex::Put>> WordIndex::put(AccountId account, std::vector<WordDocument> documents,
                                            Deadline deadline) {
  db::Call call = co_await call_to_put(account, std::move(documents));
  auto rows = co_await pool_.exec(*call.statement, std::move(call.params), deadline);
  if (!rows) co_return Unexpected(mapped(std::move(rows).error()));
  Put out;
  out.skipped = rows->integer(0, 0);
  if (!rows->is_null(0, 1)) out.partition = rows->text(0, 1);
  co_return out;
}

Task<Result<void>> WordIndex::set_position(AccountId account, int64_t modseq, Deadline deadline) {
  db::Params params;
  params.add(account).add(modseq);
  CO_TRY_VOID(co_await pool_.exec(kPosition, std::move(params), deadline));
  co_return Result<void>{};
}

Task<Result<void>> WordIndex::clean(std::string partition, Deadline deadline) {
  db::Params params;
  params.add(partition);
  CO_TRY_VOID(co_await pool_.exec(kClean, std::move(params), deadline));
  co_return Result<void>{};
}

Task<Result<void>> WordIndex::reset(AccountId account, Deadline deadline) {
  db::Params params;
  params.add(account);
  CO_TRY_VOID(co_await pool_.exec(kReset, std::move(params), deadline));
  co_return Result<void>{};
}

}  // namespace dromos::store
