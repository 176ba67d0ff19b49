#include "node/mesh/grpc_library.h"

#include <grpc/grpc.h>

namespace trellis::mesh {

void KeepGrpcRunning() {
  [[maybe_unused]] static const bool kept = [] {
    grpc_init();
    return true;
  }();
}

}  // namespace trellis::mesh
