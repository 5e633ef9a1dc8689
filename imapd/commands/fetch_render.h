// Rendering of FETCH items of one message (RFC 9051 §7.5.2).
#pragma once

#include "common/mime/section.h"
#include "imapd/commands/context.h"
#include "imapd/service/message_loader.h"

namespace dromos::imapd {

/// What the items of a FETCH need beside the version.
LoadNeeds needs_of(const std::vector<FetchItem>& items);

class FetchRenderer {
 public:
  FetchRenderer(Context& context, const std::vector<FetchItem>& items, MessageLoader& loader)
      : context_(context), items_(items), loader_(loader) {}
  /// Writes "* n FETCH (...)". Expected failures (an unknown part, no octets) become NIL or leave the message
  /// out; an error ends the command. Errc::closed: the connection must end, a literal is incomplete.
  Task<Result<void>> write(uint32_t number, const MessageItem& item, LoadedMessage message,
                           Deadline deadline);
  /// A part's encoding could not be undone ([UNKNOWN-CTE], RFC 3516 §4.3).
  bool unknown_encoding() const { return unknown_encoding_; }

 private:
  Task<Result<void>> write_facts_item(const FetchItem& item);
  Task<Result<void>> write_section(const FetchItem& item);
  void write_header(const FetchItem& item, const Section& section, std::string_view header);
  Task<Result<void>> write_binary(const FetchItem& item);
  Task<Result<void>> write_range(const FetchItem& item, uint64_t begin, uint64_t end);
  void write_bytes(const FetchItem& item, std::string_view bytes, bool binary);
  Task<Result<const mime::Facts*>> facts();

  Context& context_;
  const std::vector<FetchItem>& items_;
  MessageLoader& loader_;
  // of the message being written
  LoadedMessage message_;
  uint64_t size_ = 0;
  Deadline deadline_ = Deadline::never();
  std::optional<mime::Facts> facts_;
  bool unknown_encoding_ = false;
};

}  // namespace dromos::imapd
