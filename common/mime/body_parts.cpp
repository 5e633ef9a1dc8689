#include "common/mime/body_parts.h"

#include "common/base/strings.h"

namespace dromos::mime {
namespace {

bool is_media(const PartInfo& info) {
  return info.is("image") || info.is("audio") || info.is("video");
}

using List = std::vector<uint32_t>;

// The algorithm of RFC 8621 §4.1.4 in its words; recursion is bounded by kMaxNesting. A null list means that
// this kind is not wanted below.
class Sorter {
 public:
  Sorter(const PartTree& tree, const std::vector<PartInfo>& info, List& attachments)
      : tree_(tree), info_(info), attachments_(attachments) {}

  void children(uint32_t parent, bool in_alternative, List* text, List* html) {
    const std::string_view kind = info_[parent].subtype;
    size_t place = 0;
    in_alternative = in_alternative || iequals(kind, "alternative");
    const size_t text_before = text != nullptr ? text->size() : 0;
    const size_t html_before = html != nullptr ? html->size() : 0;
    List* const all_text = text;
    List* const all_html = html;
    for (uint32_t i = tree_.parts[parent].first_child; i != kNoPart; i = tree_.parts[i].next_sibling)
      one(i, place++, kind, in_alternative, text, html);
    if (iequals(kind, "alternative") && all_text != nullptr && all_html != nullptr) {
      if (all_text->size() == text_before && all_html->size() != html_before)
        all_text->insert(all_text->end(), all_html->begin() + static_cast<std::ptrdiff_t>(html_before),
                         all_html->end());
      else if (all_html->size() == html_before && all_text->size() != text_before)
        all_html->insert(all_html->end(), all_text->begin() + static_cast<std::ptrdiff_t>(text_before),
                         all_text->end());
    }
  }

  void one(uint32_t index, size_t place, std::string_view kind, bool in_alternative, List*& text,
           List*& html) {
    const Part& part = tree_.parts[index];
    const PartInfo& info = info_[index];
    if (part.kind == PartKind::multipart) return children(index, in_alternative, text, html);
    const bool is_plain = info.is("text", "plain"), is_html = info.is("text", "html"), media = is_media(info);
    const bool attachment = info.has_disposition && iequals(info.disposition, "attachment");
    const bool shown = !attachment && (is_plain || is_html || media) &&
                       (place == 0 || (!iequals(kind, "related") && (media || info.filename().empty())));
    if (!shown) {
      attachments_.push_back(index);
      return;
    }
    if (iequals(kind, "alternative")) {
      List* const target = is_plain ? text : is_html ? html : &attachments_;
      if (target != nullptr) target->push_back(index);
      return;
    }
    if (in_alternative) {
      if (is_plain) html = nullptr;
      if (is_html) text = nullptr;
    }
    if (text != nullptr) text->push_back(index);
    if (html != nullptr) html->push_back(index);
    if ((text == nullptr || html == nullptr) && media) attachments_.push_back(index);
  }

 private:
  const PartTree& tree_;
  const std::vector<PartInfo>& info_;
  List& attachments_;
};

}  // namespace

BodyParts body_parts(const PartTree& tree, const std::vector<PartInfo>& info) {
  BodyParts out;
  Sorter sorter(tree, info, out.attachments);
  List* text = &out.text;
  List* html = &out.html;
  sorter.one(0, 0, "mixed", false, text, html);
  return out;
}

}  // namespace dromos::mime
