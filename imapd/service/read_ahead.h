// read_ahead: parts of a mailbox, some of them read at once, used in their order (key_reader, text_reader,
// header_reader).
#pragma once

#include <algorithm>
#include <deque>
#include <exception>

#include "common/async/reactor.h"
#include "common/async/task_group.h"
#include "common/base/result.h"

namespace dromos::imapd {

/// What every part has beside its own.
struct AheadPart {
  Result<void> result;
  Event done;
};

template <class Part, class Reader>
Task<void> read_one(Reader* reader, Part* part) {
  try {
    part->result = co_await reader->read(*part);
  } catch (const std::exception& e) {
    part->result = fail(Errc::internal, e.what());
  }
  part->done.set();
}

template <class Part, class Reader>
Task<Result<void>> read_in_order(std::deque<Part>* parts, Reader* reader, size_t at_once, TaskGroup* ahead) {
  size_t begun = 0;
  for (size_t i = 0; i < parts->size(); ++i) {
    Part& part = (*parts)[i];
    CO_TRY_VOID(reader->before(part));
    for (; begun < std::min(parts->size(), i + at_once); ++begun)
      ahead->spawn(read_one(reader, &(*parts)[begun]));
    co_await part.done.wait();
    if (!part.result) co_return part.result;
    reader->after(part);
    if (i % 16 == 15) co_await Reactor::current().yield();
  }
  co_return Result<void>{};
}

/// `reader.before(part)` is asked in order, and an error of it ends all; `read(part)` runs for at most
/// `at_once` parts at a time; `after(part)` is called in order. Nothing runs any more when this returns or
/// throws.
template <class Part, class Reader>
Task<Result<void>> read_ahead(std::deque<Part>& parts, Reader& reader, size_t at_once) {
  TaskGroup ahead;
  std::exception_ptr thrown;
  Result<void> result;
  try {
    result = co_await read_in_order(&parts, &reader, at_once, &ahead);
  } catch (...) {
    thrown = std::current_exception();
  }
  co_await ahead.close();  // what runs writes into `parts`
  if (thrown) std::rethrow_exception(thrown);
  co_return result;
}

}  // namespace dromos::imapd
