// How the mesh uses gRPC's library.
#ifndef TRELLIS_NODE_MESH_GRPC_LIBRARY_H_
#define TRELLIS_NODE_MESH_GRPC_LIBRARY_H_

namespace trellis::mesh {

// From now on gRPC and the threads that run its callbacks stay until the process ends, whatever
// servers and channels come and go. Otherwise the last of them to go would end both (gRPC 1.51):
//  - a callback that lets go of the last channel, as the end of a link does when the agent stops,
//    would take its own thread's queue away and crash (completion_queue_cc.cc,
//    CallbackAlternativeCQ::Unref);
//  - ending joins a thread that may sleep for up to 10 s if a connection was busy (tcp_posix.cc,
//    run_poller).
// Any thread; again does nothing.
void KeepGrpcRunning();

// The window of a stream, fixed: finding the best one (GRPC_ARG_HTTP2_BDP_PROBE) costs a ping and
// its answer for nearly every frame on links that are idle but for heartbeats, half as much again
// as they send without (docs/performance.md). This much fills a path of 150 ms at 7 MB/s.
inline constexpr int kStreamWindowBytes = 1 << 20;

}  // namespace trellis::mesh

#endif  // TRELLIS_NODE_MESH_GRPC_LIBRARY_H_
