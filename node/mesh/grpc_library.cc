#include "node/mesh/grpc_library.h"

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <atomic>
#include <mutex>

#include "base/log/log.h"

namespace trellis::mesh {

namespace {

// Listens nowhere. What it holds is gRPC itself and, for its callbacks, their queue. Atomic, so
// that the pointer is kept though nobody reads it: a leak checker must find what it points to.
std::atomic<grpc::Server*> holder{nullptr};

}  // namespace

void KeepGrpcRunning() {
  static std::once_flag once;
  std::call_once(once, [] {
    grpc::ServerBuilder builder;
    builder.RegisterCallbackGenericService(new grpc::CallbackGenericService());
    holder = builder.BuildAndStart().release();
    CHECK(holder != nullptr);
  });
}

}  // namespace trellis::mesh
