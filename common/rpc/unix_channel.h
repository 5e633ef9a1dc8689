// UnixChannel: the calling side of gRPC over a Unix socket, on the caller's own reactor. Connects at the
// first call and anew after a loss; what was under way then fails as unavailable. Client adds the breaker.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include "common/async/task_group.h"
#include "common/rpc/http2_link.h"

namespace dromos::rpc {

class UnixChannel final : private Http2Link::Events {
 public:
  UnixChannel(std::string path, std::string caller) : path_(std::move(path)), caller_(std::move(caller)) {}
  ~UnixChannel() override;

  /// As Client's; must end before the channel does.
  Task<Result<std::string>> call(std::string method, std::string request, Deadline deadline);
  Task<Result<void>> subscribe(std::string method, std::string request,
                               std::function<bool(std::string)> on_message, CancelToken token);

 private:
  struct Call;
  Result<std::shared_ptr<Call>> open(const std::string& method, const std::string& request,
                                     Deadline deadline);
  Result<void> connect();
  void abandon(Call& call);

  Call* find(int32_t stream);
  void on_field(int32_t stream, std::string_view name, std::string_view value) override;
  void on_data(int32_t stream, std::string_view bytes) override;
  void on_end(int32_t) override {}
  void on_closed(int32_t stream, uint32_t error) override;
  void on_lost() override;

  const std::string path_, caller_;
  std::unordered_map<int32_t, std::shared_ptr<Call>> calls_;
  std::unique_ptr<Http2Link> link_;
};

}  // namespace dromos::rpc
