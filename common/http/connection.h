// One connection of a Server: reads a head, runs the handler, sends the answer, again. Internal to
// common/http.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "common/http/response_writer.h"
#include "common/http/server.h"

namespace dromos::http {

class Connection : public ListHook<ConnectionTag>, public RequestBody {
 public:
  Connection(Server& server, std::unique_ptr<net::Stream> stream);

  Task<void> run(std::shared_ptr<const net::TlsServer> tls);
  /// Ends an idle connection now and an endless stream soon.
  void drain();
  void cut() { stream_->cancel(); }

  Task<Result<std::string_view>> read() override;
  Task<Result<std::string>> read_all() override;

 private:
  /// False: the connection is over (an error has been answered already).
  Task<bool> read_head();
  Task<bool> exchange();
  Task<Response> respond(Request& request);
  Task<Response> call(const Route& route, Request& request);
  /// False if the connection cannot go on.
  Task<bool> send(Request& request, Response& response);
  Task<bool> send_source(BodySource& source, const ResponseFrame& frame);
  Task<bool> send_pieces(BodySource& source, const ResponseFrame& frame);
  Task<bool> send_bytes(std::string_view bytes);
  Task<void> refuse(int status, std::string_view text);
  Task<void> linger();

  void begin_body();
  void drop_buffered_body();
  Deadline body_deadline() const;
  Unexpected body_failed(int status, const char* text);
  void make_request(Request& request);
  void report(const Request& request, int status);

  Server& server_;
  std::unique_ptr<net::Stream> stream_;
  RequestParser parser_;
  size_t served_ = 0;
  bool idle_ = false;
  BodySource* source_ = nullptr;  // being sent

  // Of the current request.
  std::chrono::steady_clock::time_point started_;
  uint64_t bytes_before_ = 0;
  bool body_done_ = false;
  bool continue_due_ = false;
  size_t held_ = 0;             // buffered bytes the handler's view points into
  uint64_t body_received_ = 0;  // of the rate
  uint64_t charged_ = 0;        // of the server's byte budget
  int body_status_ = 0;         // why the body failed
  std::string error_;
};

}  // namespace dromos::http
