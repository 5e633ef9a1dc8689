#include "imapd/service/reader_views.h"

#include <utility>

namespace dromos::imapd {

ReaderViews::Held ReaderViews::held() {
  std::erase_if(views_, [](const auto& one) { return one.expired(); });
  Held held;
  for (const auto& one : views_)
    if (auto view = one.lock()) held.push_back(std::move(view));
  return held;
}

std::shared_ptr<ReaderView> ReaderViews::of(AccountId reader, const VersionPtr& current) {
  for (const auto& one : views_)
    if (auto view = one.lock(); view && view->reader == reader) return view;
  auto view = std::make_shared<ReaderView>(ReaderView{reader, nullptr, current, false});
  views_.push_back(view);
  return view;
}

size_t ReaderViews::memory() const {
  size_t bytes = 0;
  for (const auto& one : views_)
    if (const auto view = one.lock())
      bytes += sizeof *view + (view->overlay ? sizeof *view->version + view->overlay->memory() : 0);
  return bytes;
}

void ReaderViews::follow(const Held& held, const VersionPtr& current) {
  for (const auto& view : held) view->version = view->overlay ? current->seen_by(view->overlay) : current;
}

bool ReaderViews::set(ReaderView& view, OverlayPtr overlay, const VersionPtr& current) {
  view.loaded = true;
  if (overlay == view.overlay || (overlay && view.overlay && *overlay == *view.overlay)) return false;
  view.overlay = overlay;
  view.version = overlay ? current->seen_by(std::move(overlay)) : current;
  return true;
}

std::vector<AccountId> ReaderViews::to_read(const Held& held, bool moved) {
  std::vector<AccountId> readers;
  bool wanted = false;
  for (const auto& view : held) {
    if (moved) view->loaded = false;  // until it is read, should that fail
    wanted = wanted || !view->loaded;
    readers.push_back(view->reader);
  }
  if (!wanted) readers.clear();
  return readers;
}

}  // namespace dromos::imapd
