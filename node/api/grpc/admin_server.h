// The admin socket: a gRPC server on a Unix socket that its owner and group may open.
//
//   AdminService service(agent, events, LocalCaller);
//   ASSIGN_OR_RETURN(auto server, AdminServer::Start("/run/trellis/admin.sock", service));
#ifndef TRELLIS_NODE_API_GRPC_ADMIN_SERVER_H_
#define TRELLIS_NODE_API_GRPC_ADMIN_SERVER_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "grpcpp/grpcpp.h"
#include "node/api/grpc/admin_service.h"

namespace trellis::api {

class AdminServer {
 public:
  // `path` has at most 107 bytes. A socket file there that no one listens on is replaced; anything
  // else is left alone. The file's mode becomes 0660.
  //   INVALID_ARGUMENT     the path is empty or too long
  //   ALREADY_EXISTS       a process listens there, or it is not a socket
  //   FAILED_PRECONDITION  the socket cannot be made; the message says why
  // `service` is borrowed and outlives the server.
  static absl::StatusOr<std::unique_ptr<AdminServer>> Start(const std::string& path,
                                                            AdminService& service);
  // Takes no new calls, ends those that last longer than `grace`, removes the socket file. Not on
  // the control thread, which must run meanwhile.
  void Shutdown(absl::Duration grace);
  ~AdminServer();  // Shutdown without grace, unless that has been.

 private:
  AdminServer(std::string path, std::unique_ptr<grpc::Server> server);

  const std::string path_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace trellis::api

#endif  // TRELLIS_NODE_API_GRPC_ADMIN_SERVER_H_
