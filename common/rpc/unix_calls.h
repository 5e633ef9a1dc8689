// UnixCalls: the answering side of gRPC over accepted Unix sockets, on the server's reactor. Requests come
// whole; answers are one message, or a stream of them at the peer's pace. Server says what a method does.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/async/task_group.h"
#include "common/rpc/server.h"

namespace dromos::rpc {

class UnixCalls {
 public:
  /// The last message of the answer, if there is one that `sink` has not taken.
  using Dispatch =
      std::function<Task<Result<std::optional<std::string>>>(CallInfo, std::string request, StreamSink sink)>;

  UnixCalls(size_t max_message, Dispatch dispatch);
  ~UnixCalls();
  /// A connected, non-blocking descriptor; `caller` empty: calls name their caller themselves.
  void adopt(int fd, std::string caller);
  /// Lets what runs end until `deadline`, then cancels it; then the connections are closed.
  Task<void> close(Deadline deadline);

 private:
  class Connection;
  struct Call;
  static Task<void> run(UnixCalls* self, std::shared_ptr<Call> call, std::string request);
  static Task<Result<void>> write(std::shared_ptr<Call> call, std::string bytes);
  void drop(Connection* connection);

  const size_t max_message_;
  const Dispatch dispatch_;
  std::vector<std::unique_ptr<Connection>> connections_;
  TaskGroup running_;
};

}  // namespace dromos::rpc
