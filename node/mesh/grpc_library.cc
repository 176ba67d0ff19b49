#include "node/mesh/grpc_library.h"

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include "base/log/log.h"

namespace trellis::mesh {

void KeepGrpcRunning() {
  // It listens nowhere. What it holds is gRPC itself and, for its callbacks, their queue.
  [[maybe_unused]] static grpc::Server* const holder = [] {
    grpc::ServerBuilder builder;
    builder.RegisterCallbackGenericService(new grpc::CallbackGenericService());
    grpc::Server* const server = builder.BuildAndStart().release();
    CHECK(server != nullptr);
    return server;
  }();
}

}  // namespace trellis::mesh
