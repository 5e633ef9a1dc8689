#include "imapd/service/sorting.h"

#include <algorithm>

#include "common/async/offload.h"
#include "imapd/service/key_reader.h"
#include "imapd/service/threading.h"

namespace dromos::imapd {
namespace {

using Kind = SortKey::Kind;

uint64_t rank_of(int64_t value) {
  return static_cast<uint64_t>(value) ^ uint64_t { 1 } << 63;
}

/// The first octets as a number that compares like them.
uint64_t rank_of(std::string_view text) {
  uint64_t rank = 0;
  for (size_t i = 0; i < 8; ++i)
    rank = rank << 8 | (i < text.size() ? static_cast<unsigned char>(text[i]) : 0);
  return rank;
}

bool is_text(Kind kind) {
  return kind != Kind::arrival && kind != Kind::date && kind != Kind::size && kind != Kind::relevancy;
}

KeyText text_of(Kind kind) {
  switch (kind) {
    case Kind::cc:
      return KeyText::cc;
    case Kind::from:
      return KeyText::from;
    case Kind::to:
      return KeyText::to;
    case Kind::display_from:
      return KeyText::display_from;
    case Kind::display_to:
      return KeyText::display_to;
    default:
      return KeyText::subject;
  }
}

}  // namespace

SortTable::SortTable(std::vector<SortKey> keys, size_t rows) : keys_(std::move(keys)) {
  for (const SortKey& key : keys_) {
    Column& column = columns_.emplace_back();
    column.reverse = key.reverse;
    column.ranks.assign(rows, key.reverse ? ~uint64_t{0} : 0);
    if (is_text(key.kind)) column.ends.assign(rows * 2, 0);
  }
}

void SortTable::set_number(size_t key, size_t row, int64_t value) {
  Column& column = columns_[key];
  column.ranks[row] = column.reverse ? ~rank_of(value) : rank_of(value);
}

void SortTable::set_text(size_t key, size_t row, std::string_view value) {
  Column& column = columns_[key];
  column.ranks[row] = column.reverse ? ~rank_of(value) : rank_of(value);
  column.ends[row * 2] = column.texts.size();
  column.ends[row * 2 + 1] = value.size();
  column.texts += value;
}

std::string_view SortTable::text(const Column& column, uint32_t row) const {
  return std::string_view(column.texts).substr(column.ends[row * 2], column.ends[row * 2 + 1]);
}

std::vector<uint32_t> SortTable::order() const {
  std::vector<uint32_t> rows(columns_.empty() ? 0 : columns_.front().ranks.size());
  for (uint32_t i = 0; i < rows.size(); ++i) rows[i] = i;
  std::sort(rows.begin(), rows.end(), [this](uint32_t a, uint32_t b) {
    for (const Column& column : columns_) {
      if (column.ranks[a] != column.ranks[b]) return column.ranks[a] < column.ranks[b];
      if (column.ends.empty()) continue;
      const int by = text(column, a).compare(text(column, b));
      if (by != 0) return (by < 0) != column.reverse;
    }
    return a < b;
  });
  return rows;
}

namespace {

/// What the version and the search know.
void fill_from_version(SortTable& table, const MailboxVersion& version, const std::vector<uint32_t>& numbers,
                       const std::vector<uint8_t>& scores) {
  for (size_t key = 0; key < table.keys().size(); ++key) {
    const Kind kind = table.keys()[key].kind;
    for (size_t row = 0; row < numbers.size() && !is_text(kind); ++row) {
      const MessageItem& item = version.at(numbers[row]);
      if (kind == Kind::size)
        table.set_number(key, row, item.size);
      else if (kind == Kind::relevancy)  // the highest score comes first (RFC 6203 §6)
        table.set_number(key, row, scores.empty() ? 0 : -int64_t{scores[row]});
      else  // DATE falls back on it
        table.set_number(key, row, item.received);
    }
  }
}

void fill_from_keys(SortTable& table, size_t row, const KeyChunk::Row& keys) {
  std::string scratch;
  for (size_t key = 0; key < table.keys().size(); ++key) {
    const Kind kind = table.keys()[key].kind;
    if (is_text(kind))
      table.set_text(key, row, keys.text(text_of(kind), scratch));
    else if (kind == Kind::date && keys.sent())
      table.set_number(key, row, *keys.sent());
  }
}

}  // namespace

Task<Result<std::vector<uint32_t>>> sort_messages(Worker& worker, const SearchScope& scope,
                                                  std::vector<SortKey> keys, std::vector<uint32_t> numbers,
                                                  std::vector<uint8_t> scores, Deadline deadline) {
  SortTable table(std::move(keys), numbers.size());
  fill_from_version(table, *scope.version, numbers, scores);
  const bool reads = std::any_of(table.keys().begin(), table.keys().end(), [](const SortKey& key) {
    return is_text(key.kind) || key.kind == Kind::date;
  });
  if (reads) {
    auto use = [&](const KeyChunk& chunk, std::span<const uint32_t> some) {
      const auto first = static_cast<size_t>(some.data() - numbers.data());
      for (size_t i = 0; i < some.size(); ++i)
        if (const auto row = chunk.find(scope.version->at(some[i]).uid))
          fill_from_keys(table, first + i, *row);
    };
    KeyRead read{scope.mailbox, scope.version, scope.unwanted};
    CO_TRY_VOID(co_await read_keys(worker, std::move(read), numbers, use, deadline));
  }
  auto sort = [&table] { return table.order(); };
  std::vector<uint32_t> rows = co_await offload(std::move(sort));
  for (uint32_t& row : rows) row = numbers[row];
  co_return rows;
}

namespace {

/// Copies of what threading needs, so that chunks need not stay.
struct ThreadTable {
  std::vector<ThreadMessage> messages;
  std::vector<size_t> subjects;    // ends in `texts`
  std::vector<size_t> references;  // ends in `ids`
  std::string texts;
  std::vector<uint64_t> ids;

  void add(const ThreadMessage& message, std::string_view subject, std::span<const uint64_t> refers_to) {
    messages.push_back(message);
    texts += subject;
    subjects.push_back(texts.size());
    ids.insert(ids.end(), refers_to.begin(), refers_to.end());
    references.push_back(ids.size());
  }
  void finish() {
    size_t text = 0;
    size_t id = 0;
    for (size_t i = 0; i < messages.size(); ++i) {
      messages[i].subject = std::string_view(texts).substr(text, subjects[i] - text);
      messages[i].references = std::span(ids).subspan(id, references[i] - id);
      text = subjects[i];
      id = references[i];
    }
  }
};

std::string thread_text(ThreadTable& table, ThreadAlgorithm algorithm) {
  table.finish();
  const ThreadForest forest = algorithm == ThreadAlgorithm::references ? thread_by_references(table.messages)
                                                                       : thread_by_subject(table.messages);
  return format_threads(forest, table.messages);
}

}  // namespace

Task<Result<std::string>> thread_messages(Worker& worker, const SearchScope& scope, ThreadAlgorithm algorithm,
                                          std::vector<uint32_t> numbers, bool uids, Deadline deadline) {
  ThreadTable table;
  table.messages.reserve(numbers.size());
  std::string scratch;
  auto use = [&](const KeyChunk& chunk, std::span<const uint32_t> some) {
    for (const uint32_t number : some) {
      const MessageItem& item = scope.version->at(number);
      ThreadMessage message;
      message.number = uids ? item.uid : number;
      message.sent = item.received;
      const auto row = chunk.find(item.uid);
      if (!row) {
        table.add(message, {}, {});
        continue;
      }
      message.sent = row->sent().value_or(item.received);
      message.id = row->id();
      message.reply = row->reply();
      table.add(message, row->text(KeyText::subject, scratch), row->references());
    }
  };
  KeyRead read{scope.mailbox, scope.version, scope.unwanted};
  CO_TRY_VOID(co_await read_keys(worker, std::move(read), numbers, use, deadline));
  auto thread = [&table, algorithm] { return thread_text(table, algorithm); };
  co_return co_await offload(std::move(thread));
}

}  // namespace dromos::imapd
