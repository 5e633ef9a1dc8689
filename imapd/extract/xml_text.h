// Text out of the XML parts of Office documents (ECMA-376 OOXML, ISO 26300 OpenDocument): a stream parser
// that is fed bytes and fills a Sink. Names are compared without their prefix, so that strict and
// transitional forms are alike. A part that declares entities is refused: neither format has any use for
// them.
#pragma once

#include <memory>
#include <string_view>

#include "imapd/extract/sink.h"

namespace dromos::extract {

enum class XmlKind {
  ooxml,       ///< runs <t>, cells <v>, deleted text and field codes left out
  odf,         ///< paragraphs and headings
  properties,  ///< title, subject, keywords, people of docProps/core.xml and meta.xml
};

class XmlText {
 public:
  static constexpr int kMaxDepth = 512;
  XmlText(XmlKind kind, Sink& sink);
  ~XmlText();
  /// False: no use for more, for the sink is full or the XML is not well-formed, too deep or has entities.
  bool feed(std::string_view bytes, bool last);
  bool broken() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// True if an OpenDocument manifest names encrypted parts.
bool manifest_has_encryption(std::string_view xml);

}  // namespace dromos::extract
