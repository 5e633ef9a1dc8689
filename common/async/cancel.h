// Cancellation: a source that its owner fires once, tokens that waits listen to. One reactor thread only.
#pragma once

#include "common/async/intrusive_list.h"

namespace dromos {

/// Something to be told of cancellation; unlinks itself when destroyed.
class CancelListener : public ListHook<struct CancelTag> {
 public:
  virtual ~CancelListener() = default;
  virtual void on_cancel() = 0;
};

class CancelSource;

/// Empty tokens never fire. A token must not outlive its source.
class CancelToken {
 public:
  CancelToken() = default;
  bool cancelled() const;
  void listen(CancelListener& listener);

 private:
  friend class CancelSource;
  explicit CancelToken(CancelSource* source) : source_(source) {}
  CancelSource* source_ = nullptr;
};

class CancelSource {
 public:
  CancelSource() = default;
  CancelSource(const CancelSource&) = delete;
  CancelSource& operator=(const CancelSource&) = delete;
  CancelToken token() { return CancelToken(this); }
  bool cancelled() const { return cancelled_; }
  void cancel() {
    cancelled_ = true;
    while (CancelListener* listener = listeners_.pop_front()) listener->on_cancel();
  }

 private:
  friend class CancelToken;
  bool cancelled_ = false;
  IntrusiveList<CancelListener, CancelTag> listeners_;
};

inline bool CancelToken::cancelled() const {
  return source_ != nullptr && source_->cancelled();
}
inline void CancelToken::listen(CancelListener& listener) {
  if (source_ != nullptr) source_->listeners_.push_back(listener);
}

}  // namespace dromos
