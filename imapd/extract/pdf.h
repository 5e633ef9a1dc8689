// Text of PDF documents, by poppler, page by page in reading order. poppler and the C library open files on
// demand (character maps, converters): PdfReader makes them do so, so that one made before a sandbox is
// entered works within it.
#pragma once

#include <memory>
#include <string_view>

#include "imapd/extract/sink.h"
#include "imapd/extract/wire.h"

namespace dromos::extract {

class PdfReader {
 public:
  static constexpr int kMaxPages = 20'000;
  PdfReader();
  ~PdfReader();
  Outcome text(std::string_view pdf, Sink& sink);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace dromos::extract
