// One Peer.Link stream, whichever end opened it: frames out through bounded queues, frames in one
// at a time.
//
// gRPC calls it on its own threads. It hands what happened to the control thread through a Gate and
// is told there what to do.
#ifndef TRELLIS_GOSSIP_TRANSPORT_LINK_STREAM_H_
#define TRELLIS_GOSSIP_TRANSPORT_LINK_STREAM_H_

#include <grpcpp/channel.h>
#include <grpcpp/impl/service_type.h>
#include <grpcpp/support/server_callback.h>

#include <functional>
#include <memory>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/runtime/scheduler.h"
#include "base/sync/mutex.h"
#include "gossip/transport/send_queue.h"
#include "gossip/transport/transport.h"
#include "proto/trellis/peer/v1/frame.pb.h"

namespace trellis::gossip {

class LinkStream;

// What a stream tells its owner, on the control thread. Frames come in the order sent, after
// OnOpened (streams we opened) and before OnEnded, which comes once.
class LinkStreamOwner {
 public:
  virtual void OnIncoming(NodeId peer, std::shared_ptr<LinkStream> stream) = 0;
  virtual void OnOpened(LinkStream* stream) = 0;
  // The next one is read after stream->Read().
  virtual void OnFrame(LinkStream* stream, const peer::v1::Frame& frame) = 0;
  virtual void OnEnded(LinkStream* stream, const absl::Status& why) = 0;

 protected:
  ~LinkStreamOwner() = default;
};

// The way from any thread to an owner on the control thread, which may be gone by then.
class Gate {
 public:
  Gate(Scheduler& scheduler, LinkStreamOwner* owner) : scheduler_(&scheduler), owner_(owner) {}

  // Runs `task` on the control thread, unless the gate is closed by then. Any thread.
  static void Post(const std::shared_ptr<Gate>& gate,
                   absl::AnyInvocable<void(LinkStreamOwner&)> task);
  // On the control thread: nothing passes any more, and the scheduler is not touched again.
  void Close();

 private:
  Mutex mutex_;
  Scheduler* scheduler_ ABSL_GUARDED_BY(mutex_);
  LinkStreamOwner* owner_;  // The control thread's.
};

// Lives until gRPC is done with it and nobody holds it. Thread-safety: any thread.
class LinkStream {
 public:
  virtual ~LinkStream() = default;

  // False when the stream is over or the frame's queue is full.
  bool Send(const peer::v1::Frame& frame);
  // Takes the next frame. Once after the link is up, then once after each OnFrame.
  void Read();
  // Ends it; the other end is told `why` if it was the one to open.
  void End(const absl::Status& why);
  // Tells the other end that its stream is taken. Nothing for a stream we opened.
  void Accept();

 protected:
  explicit LinkStream(std::shared_ptr<Gate> gate) : gate_(std::move(gate)) {}

  // What gRPC's reactors call, on its threads.
  void OnRead(bool ok, const std::shared_ptr<LinkStream>& self);
  void OnWrite(bool ok);
  // Our own reason if this end ended it and gave one.
  absl::Status WhyEnded(const absl::Status& otherwise);

  // How the two ends differ. Called with the lock held; gRPC never calls back inside them.
  virtual void StartReading(peer::v1::Frame* frame) = 0;
  virtual void StartWriting(const peer::v1::Frame& frame) = 0;
  virtual void StartAccepting() {}
  virtual void StartEnding(const absl::Status& why) = 0;

  const std::shared_ptr<Gate> gate_;

 private:
  void WriteNext() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Mutex mutex_;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  // Why, when this end ended it; gRPC's status otherwise.
  absl::Status why_ ABSL_GUARDED_BY(mutex_);
  SendQueue queue_ ABSL_GUARDED_BY(mutex_);
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  peer::v1::Frame outgoing_ ABSL_GUARDED_BY(mutex_);  // gRPC's while writing_.
  peer::v1::Frame incoming_;                          // gRPC's between Read and OnRead.
};

// Opens a stream on `channel`.
std::shared_ptr<LinkStream> OpenLinkStream(std::shared_ptr<Gate> gate,
                                           std::shared_ptr<grpc::Channel> channel);
// The service that makes a LinkStream of each incoming stream. `identify` says whose certificate
// the call came with; it is called on gRPC's threads.
using Identify = std::function<absl::StatusOr<NodeId>(const grpc::ServerContextBase&)>;
std::unique_ptr<grpc::Service> NewLinkService(std::shared_ptr<Gate> gate, Identify identify);

}  // namespace trellis::gossip

#endif  // TRELLIS_GOSSIP_TRANSPORT_LINK_STREAM_H_
