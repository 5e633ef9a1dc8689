// Doubly linked list through hooks in the elements: no allocation per wait, O(1) removal by the element
// itself.
#pragma once

#include <cstddef>

namespace dromos {

template <class Tag>
class ListHook {
 public:
  ListHook() = default;
  ListHook(const ListHook&) = delete;
  ListHook& operator=(const ListHook&) = delete;
  ~ListHook() { unlink(); }
  bool linked() const { return next_ != nullptr; }
  void unlink() {
    if (next_ == nullptr) return;
    prev_->next_ = next_;
    next_->prev_ = prev_;
    next_ = prev_ = nullptr;
  }

 private:
  template <class, class>
  friend class IntrusiveList;
  ListHook* next_ = nullptr;
  ListHook* prev_ = nullptr;
};

/// T derives from ListHook<Tag>. Elements left when the list dies are unlinked, not destroyed.
template <class T, class Tag>
class IntrusiveList {
 public:
  IntrusiveList() { head_.next_ = head_.prev_ = &head_; }
  IntrusiveList(const IntrusiveList&) = delete;
  IntrusiveList& operator=(const IntrusiveList&) = delete;
  ~IntrusiveList() {
    while (pop_front() != nullptr) {
    }
    head_.next_ = head_.prev_ = nullptr;
  }
  bool empty() const { return head_.next_ == &head_; }
  void push_back(T& element) {
    ListHook<Tag>& hook = element;
    hook.unlink();
    hook.prev_ = head_.prev_;
    hook.next_ = &head_;
    head_.prev_->next_ = &hook;
    head_.prev_ = &hook;
  }
  T* front() { return empty() ? nullptr : static_cast<T*>(head_.next_); }
  T* pop_front() {
    T* element = front();
    if (element != nullptr) static_cast<ListHook<Tag>*>(element)->unlink();
    return element;
  }

 private:
  ListHook<Tag> head_;
};

}  // namespace dromos
