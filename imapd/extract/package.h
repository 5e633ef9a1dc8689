// Zipped XML documents (OOXML, OpenDocument) over libzip: the parts that hold text, in reading order, are
// inflated piece by piece and never held whole. Archives inside the archive are not opened. Every bound is
// one of these; beyond it the text found so far counts, marked as cut. Pure.
#pragma once

#include <string_view>

#include "imapd/extract/sink.h"
#include "imapd/extract/wire.h"

namespace dromos::extract {

inline constexpr int64_t kMaxEntries = 20'000;                 ///< of an archive
inline constexpr size_t kMaxParts = 2'000;                     ///< that are read
inline constexpr uint64_t kMaxInflated = uint64_t{256} << 20;  ///< of all parts together

Outcome package_text(std::string_view zip, Sink& sink);

}  // namespace dromos::extract
