// Listener: one listening socket (own, or inherited from systemd), accepting on one reactor and handing each
// connection to a chooser that names the worker. Failure to accept for want of descriptors pauses, never
// spins.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/async/task_group.h"
#include "common/net/address.h"

namespace dromos::net {

class Listener {
 public:
  /// Port 0 takes one from the kernel; address() tells it. Unix sockets: a stale path is replaced, mode 0660.
  static Result<std::unique_ptr<Listener>> bind(const Address& address, int backlog = 1024);
  /// Takes a descriptor that already listens.
  static Result<std::unique_ptr<Listener>> adopt(int fd);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  const Address& address() const { return address_; }
  int fd() const { return fd_; }

  /// Called on the accepting reactor with a descriptor it then owns.
  using Handler = std::function<void(int fd, Address peer)>;
  /// Accepts until `token` is cancelled.
  Task<void> accept_loop(Handler handler, CancelToken token);

 private:
  Listener(int fd, Address address) : fd_(fd), address_(address) {}
  int fd_;
  Address address_;
};

/// Descriptors passed by systemd (sd_listen_fds(3)) that carry `name`; each is given out once.
std::vector<int> inherited_sockets(const std::string& name);

}  // namespace dromos::net
