#include "imapd/extract/xml_text.h"

#include <expat.h>

#include <algorithm>
#include <array>
#include <limits>
#include <new>
#include <string>

namespace dromos::extract {
namespace {

constexpr size_t kMaxBlanks = 16;        // of <text:s c="1000000">
constexpr size_t kMaxPending = 1 << 16;  // octets

std::string_view local(const XML_Char* name) {
  const std::string_view whole(name);
  const size_t colon = whole.rfind(':');
  return colon == std::string_view::npos ? whole : whole.substr(colon + 1);
}

template <size_t N>
bool one_of(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string_view attribute(const XML_Char** attributes, std::string_view name) {
  for (; *attributes != nullptr; attributes += 2)
    if (local(attributes[0]) == name) return attributes[1];
  return {};
}

constexpr std::array<std::string_view, 5> kOoxmlSkipped = {"instrText", "delText", "delInstrText", "rPh",
                                                           "Fallback"};
constexpr std::array<std::string_view, 3> kOdfSkipped = {"tracked-changes", "script", "binary-data"};
constexpr std::array<std::string_view, 9> kProperties = {"title",           "subject",  "description",
                                                         "keyword",         "keywords", "creator",
                                                         "initial-creator", "category", "user-defined"};

}  // namespace

struct XmlText::State {
  State(XmlKind which, Sink& out) : kind(which), sink(out), parser(XML_ParserCreate(nullptr)) {
    if (parser == nullptr) throw std::bad_alloc();
    XML_SetUserData(parser, this);
    XML_SetElementHandler(parser, on_start, on_end);
    XML_SetCharacterDataHandler(parser, on_text);
    XML_SetEntityDeclHandler(parser, on_entity);
  }
  ~State() { XML_ParserFree(parser); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  static void on_start(void* self, const XML_Char* name, const XML_Char** attributes) {
    static_cast<State*>(self)->start(local(name), attributes);
  }
  static void on_end(void* self, const XML_Char* name) { static_cast<State*>(self)->end(local(name)); }
  static void on_text(void* self, const XML_Char* bytes, int length) {
    auto& state = *static_cast<State*>(self);
    if (state.stopped || state.skipped > 0 || state.taking == 0) return;
    state.pending.append(bytes, static_cast<size_t>(length));
    if (state.pending.size() > kMaxPending) state.settle();
  }
  static void on_entity(void* self, const XML_Char*, int, const XML_Char*, int, const XML_Char*,
                        const XML_Char*, const XML_Char*, const XML_Char*) {
    static_cast<State*>(self)->stop(true);
  }

  /// Text counts when a tag has followed it: how much of the text before an error expat tells depends on how
  /// it is fed.
  void settle() {
    if (stopped) return;
    sink.add(pending);
    pending.clear();
    if (sink.cut()) stop(false);
  }

  void stop(bool because_broken) {
    is_broken |= because_broken;
    stopped = true;
    XML_StopParser(parser, XML_FALSE);
  }

  void start(std::string_view name, const XML_Char** attributes) {
    settle();
    if (stopped) return;
    if (++depth > kMaxDepth) return stop(true);
    if (skipped > 0 || skips(name)) {
      ++skipped;
      return;
    }
    if (kind == XmlKind::ooxml) return start_ooxml(name, attributes);
    if (kind == XmlKind::odf) return start_odf(name, attributes);
    if (one_of(kProperties, name)) ++taking;
  }
  void end(std::string_view name) {
    settle();
    if (stopped) return;
    --depth;
    if (skipped > 0) {
      --skipped;
      return;
    }
    if (kind == XmlKind::ooxml) return end_ooxml(name);
    if (kind == XmlKind::odf) return end_odf(name);
    if (one_of(kProperties, name)) {
      --taking;
      sink.line();
    }
  }
  bool skips(std::string_view name) const {
    if (kind == XmlKind::ooxml) return one_of(kOoxmlSkipped, name);
    return kind == XmlKind::odf && one_of(kOdfSkipped, name);
  }

  void start_ooxml(std::string_view name, const XML_Char** attributes) {
    if (name == "t") {
      ++taking;
    } else if (name == "c") {
      // Cells of type "s" hold a number of a shared string, "b" a truth value.
      const std::string_view type = attribute(attributes, "t");
      takes_value = type != "s" && type != "b";
    } else if (name == "v") {
      if (takes_value) ++taking;
    } else if (name == "tab" || name == "noBreakHyphen") {
      sink.add(name == "tab" ? " " : "-");
    } else if (name == "br" || name == "cr") {
      sink.line();
    } else if (name == "sheet") {
      add_line(attribute(attributes, "name"));
    } else if (name == "docPr" || name == "cNvPr") {
      add_line(attribute(attributes, "descr"));  // text in place of a picture
    }
  }
  void end_ooxml(std::string_view name) {
    if (name == "t") {
      --taking;
    } else if (name == "v") {
      if (takes_value) --taking;
      sink.blank();
    } else if (name == "c" || name == "tc") {
      sink.blank();
      takes_value = true;
    } else if (name == "p" || name == "si" || name == "row" || name == "comment") {
      sink.line();
    }
  }

  void start_odf(std::string_view name, const XML_Char** attributes) {
    if (name == "p" || name == "h" || name == "title" || name == "desc") {
      if (taking++ > 0) sink.line();
    } else if (taking > 0 && name == "s") {
      sink.add(std::string(std::clamp<size_t>(count_of(attribute(attributes, "c")), 1, kMaxBlanks), ' '));
    } else if (taking > 0 && name == "tab") {
      sink.add(" ");
    } else if (taking > 0 && name == "line-break") {
      sink.line();
    } else if (name == "table") {
      add_line(attribute(attributes, "name"));
    }
  }
  void end_odf(std::string_view name) {
    if (name == "p" || name == "h" || name == "title" || name == "desc") {
      --taking;
      sink.line();
    }
  }

  static size_t count_of(std::string_view digits) {
    size_t value = 0;
    for (const char c : digits.substr(0, 6))
      if (c >= '0' && c <= '9') value = value * 10 + static_cast<size_t>(c - '0');
    return value;
  }
  void add_line(std::string_view text) {
    if (text.empty()) return;
    sink.line();
    sink.add(text);
    sink.line();
  }

  const XmlKind kind;
  Sink& sink;
  XML_Parser parser;
  std::string pending;  // text since the last tag
  int depth = 0;
  int skipped = 0;  // open elements since one that is left out
  int taking = 0;   // open elements whose text counts
  bool takes_value = true;
  bool stopped = false;
  bool is_broken = false;
};

XmlText::XmlText(XmlKind kind, Sink& sink) : state_(std::make_unique<State>(kind, sink)) {}
XmlText::~XmlText() = default;

bool XmlText::feed(std::string_view bytes, bool last) {
  State& state = *state_;
  if (state.stopped) return false;
  if (state.sink.full()) return false;
  if (bytes.size() > static_cast<size_t>(std::numeric_limits<int>::max())) return false;
  const XML_Status status =
      XML_Parse(state.parser, bytes.data(), static_cast<int>(bytes.size()), last ? 1 : 0);
  if (status != XML_STATUS_OK && !state.stopped) state.is_broken = state.stopped = true;
  return !state.stopped;
}

bool XmlText::broken() const {
  return state_->is_broken;
}

bool manifest_has_encryption(std::string_view xml) {
  return xml.find("encryption-data") != std::string_view::npos;
}

}  // namespace dromos::extract
