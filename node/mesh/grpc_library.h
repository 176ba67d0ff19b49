// Keeps gRPC's library alive.
#ifndef TRELLIS_NODE_MESH_GRPC_LIBRARY_H_
#define TRELLIS_NODE_MESH_GRPC_LIBRARY_H_

namespace trellis::mesh {

// From now on gRPC stays initialised until the process ends, whatever servers and channels come and
// go. When the last of them goes, gRPC would otherwise join its threads, and one of those may sleep
// in a poll for up to 10 s (gRPC 1.51, tcp_posix.cc, run_poller) if a connection was busy: an agent
// would take that long to stop. Any thread; again does nothing.
void KeepGrpcRunning();

}  // namespace trellis::mesh

#endif  // TRELLIS_NODE_MESH_GRPC_LIBRARY_H_
