#include "imapd/extract/package.h"

#include <zip.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <tuple>
#include <vector>

#include "imapd/extract/xml_text.h"

namespace dromos::extract {
namespace {

constexpr size_t kPiece = 64 * 1024;
constexpr size_t kMaxManifest = 1 << 20;

struct CloseZip {
  void operator()(zip_t* zip) const { zip_discard(zip); }
};
struct CloseFile {
  void operator()(zip_file_t* file) const { zip_fclose(file); }
};
using Zip = std::unique_ptr<zip_t, CloseZip>;

struct Part {
  int rank = 0;
  uint64_t number = 0;  // slide10 comes after slide9
  zip_uint64_t index = 0;
  XmlKind kind = XmlKind::ooxml;
};

/// "slide12.xml" is `prefix` "slide", a number or nothing, ".xml".
std::optional<uint64_t> numbered(std::string_view name, std::string_view prefix) {
  if (!name.starts_with(prefix) || !name.ends_with(".xml")) return std::nullopt;
  const std::string_view digits = name.substr(prefix.size(), name.size() - prefix.size() - 4);
  if (digits.size() > 9) return std::nullopt;
  uint64_t number = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + static_cast<uint64_t>(c - '0');
  }
  return number;
}

struct Known {
  std::string_view prefix;
  XmlKind kind;
};
/// In reading order.
constexpr std::array kKnown = {Known{"docProps/core", XmlKind::properties},
                               Known{"word/document", XmlKind::ooxml},
                               Known{"word/header", XmlKind::ooxml},
                               Known{"word/footer", XmlKind::ooxml},
                               Known{"word/footnotes", XmlKind::ooxml},
                               Known{"word/endnotes", XmlKind::ooxml},
                               Known{"word/comments", XmlKind::ooxml},
                               Known{"word/diagrams/data", XmlKind::ooxml},
                               Known{"word/charts/chart", XmlKind::ooxml},
                               Known{"xl/workbook", XmlKind::ooxml},
                               Known{"xl/sharedStrings", XmlKind::ooxml},
                               Known{"xl/worksheets/sheet", XmlKind::ooxml},
                               Known{"xl/comments", XmlKind::ooxml},
                               Known{"xl/charts/chart", XmlKind::ooxml},
                               Known{"ppt/slides/slide", XmlKind::ooxml},
                               Known{"ppt/notesSlides/notesSlide", XmlKind::ooxml},
                               Known{"ppt/comments/comment", XmlKind::ooxml},
                               Known{"ppt/diagrams/data", XmlKind::ooxml},
                               Known{"ppt/charts/chart", XmlKind::ooxml},
                               Known{"meta", XmlKind::properties},
                               Known{"content", XmlKind::odf},
                               Known{"styles", XmlKind::odf}};

std::optional<Part> part_of(std::string_view name, zip_uint64_t index) {
  for (size_t rank = 0; rank < kKnown.size(); ++rank)
    if (const auto number = numbered(name, kKnown[rank].prefix))
      return Part{static_cast<int>(rank), *number, index, kKnown[rank].kind};
  return std::nullopt;
}

/// False: it cannot be read.
template <class Take>
bool read_entry(zip_t* zip, zip_uint64_t index, Take take) {
  const std::unique_ptr<zip_file_t, CloseFile> file(zip_fopen_index(zip, index, 0));
  if (file == nullptr) return false;
  std::array<char, kPiece> piece;
  while (true) {
    const zip_int64_t got = zip_fread(file.get(), piece.data(), piece.size());
    if (got < 0) return false;
    if (!take(std::string_view(piece.data(), static_cast<size_t>(got)), got == 0)) return true;
    if (got == 0) return true;
  }
}

class Reader {
 public:
  Reader(zip_t* zip, Sink& sink) : zip_(zip), sink_(sink) {}

  Outcome read() {
    const zip_int64_t entries = zip_get_num_entries(zip_, 0);
    if (entries > kMaxEntries) sink_.note_cut();
    for (zip_int64_t i = 0; i < std::min<zip_int64_t>(entries, kMaxEntries); ++i)
      look(static_cast<zip_uint64_t>(i));
    if (encrypted_) return Outcome::encrypted;
    if (!known_ || parts_.empty()) return Outcome::unknown;
    if (sink_.cut()) return Outcome::too_large;
    std::sort(parts_.begin(), parts_.end(), [](const Part& a, const Part& b) {
      return std::tie(a.rank, a.number, a.index) < std::tie(b.rank, b.number, b.index);
    });
    if (parts_.size() > kMaxParts) {
      parts_.resize(kMaxParts);
      more_ = true;
    }
    for (const Part& part : parts_) {
      if (sink_.full() || inflated_ > kMaxInflated) break;
      add(part);
    }
    if (more_) sink_.note_cut();
    if (!sink_.text().empty()) return Outcome::text;
    return sink_.cut() ? Outcome::too_large : broken_ ? Outcome::broken : Outcome::text;
  }

 private:
  void look(zip_uint64_t index) {
    zip_stat_t stat;
    zip_stat_init(&stat);
    if (zip_stat_index(zip_, index, ZIP_FL_ENC_RAW, &stat) != 0 || stat.name == nullptr) return;
    const std::string_view name(stat.name);
    const auto part = part_of(name, index);
    if (part && (stat.valid & ZIP_STAT_ENCRYPTION_METHOD) != 0 && stat.encryption_method != ZIP_EM_NONE)
      encrypted_ = true;
    if (part) parts_.push_back(*part);
    known_ |= name == "[Content_Types].xml" || name == "mimetype" || name == "META-INF/manifest.xml";
    if (name == "META-INF/manifest.xml") look_at_manifest(index);
  }
  void look_at_manifest(zip_uint64_t index) {
    std::string xml;
    read_entry(zip_, index, [&xml](std::string_view piece, bool) {
      xml += piece;
      return xml.size() < kMaxManifest;
    });
    encrypted_ |= manifest_has_encryption(xml);
  }
  void add(const Part& part) {
    XmlText text(part.kind, sink_);
    const bool read = read_entry(zip_, part.index, [&](std::string_view piece, bool last) {
      inflated_ += piece.size();
      if (inflated_ > kMaxInflated) {
        more_ = true;
        return false;
      }
      return text.feed(piece, last);
    });
    broken_ |= !read || text.broken();
    sink_.line();
  }

  zip_t* zip_;
  Sink& sink_;
  std::vector<Part> parts_;
  uint64_t inflated_ = 0;
  bool known_ = false, encrypted_ = false, broken_ = false, more_ = false;
};

}  // namespace

Outcome package_text(std::string_view bytes, Sink& sink) {
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* source = zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error);
  if (source == nullptr) return Outcome::broken;
  const Zip zip(zip_open_from_source(source, ZIP_RDONLY, &error));
  zip_error_fini(&error);
  if (zip == nullptr) {
    zip_source_free(source);
    return Outcome::broken;
  }
  return Reader(zip.get(), sink).read();
}

}  // namespace dromos::extract
