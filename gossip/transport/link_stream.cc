#include "gossip/transport/link_stream.h"

#include <grpcpp/client_context.h>
#include <grpcpp/support/client_callback.h>

#include <utility>

#include "proto/trellis/peer/v1/peer.grpc.pb.h"

namespace trellis::gossip {
namespace {

// Sent by the end that takes a stream. A refusal may look like empty initial metadata, so their
// arrival alone says nothing.
constexpr char kTakenKey[] = "trellis-link";

using peer::v1::Frame;
using peer::v1::Peer;

absl::Status FromGrpc(const grpc::Status& status) {
  if (status.ok()) return absl::UnavailableError("closed by the other side");
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

grpc::Status ToGrpc(const absl::Status& status) {
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), std::string(status.message()));
}

class ClientStream final : public LinkStream, public grpc::ClientBidiReactor<Frame, Frame> {
 public:
  static std::shared_ptr<LinkStream> Open(std::shared_ptr<Gate> gate,
                                          std::shared_ptr<grpc::Channel> channel) {
    std::shared_ptr<ClientStream> stream(new ClientStream(std::move(gate), std::move(channel)));
    stream->self_ = stream;
    stream->stub_->async()->Link(&stream->context_, stream.get());
    // Reads and writes start outside of reactions, so gRPC must not think the call done before End.
    stream->AddHold();
    stream->StartCall();
    return stream;
  }

 private:
  ClientStream(std::shared_ptr<Gate> gate, std::shared_ptr<grpc::Channel> channel)
      : LinkStream(std::move(gate)), stub_(Peer::NewStub(std::move(channel))) {}

  void StartReading(Frame* frame) override { StartRead(frame); }
  void StartWriting(const Frame& frame) override { StartWrite(&frame); }
  void StartEnding(const absl::Status&) override {
    context_.TryCancel();
    RemoveHold();
  }

  void OnReadInitialMetadataDone(bool ok) override {
    // Otherwise the reason comes with OnDone.
    if (!ok || context_.GetServerInitialMetadata().count(kTakenKey) == 0) {
      return End(absl::OkStatus());
    }
    Gate::Post(gate_, [stream = self_](LinkStreamOwner& owner) { owner.OnOpened(stream.get()); });
  }
  void OnReadDone(bool ok) override { OnRead(ok, self_); }
  void OnWriteDone(bool ok) override { OnWrite(ok); }
  void OnDone(const grpc::Status& status) override {
    Gate::Post(gate_, [why = WhyEnded(FromGrpc(status)), self = std::move(self_)](
                          LinkStreamOwner& owner) { owner.OnEnded(self.get(), why); });
  }

  const std::unique_ptr<Peer::Stub> stub_;
  grpc::ClientContext context_;
  std::shared_ptr<ClientStream> self_;  // Until gRPC is done with it.
};

class ServerStream final : public LinkStream, public grpc::ServerBidiReactor<Frame, Frame> {
 public:
  static ServerStream* Open(std::shared_ptr<Gate> gate, NodeId peer,
                            grpc::CallbackServerContext* context) {
    std::shared_ptr<ServerStream> stream(new ServerStream(std::move(gate), context));
    stream->self_ = stream;
    Gate::Post(stream->gate_,
               [stream, peer](LinkStreamOwner& owner) { owner.OnIncoming(peer, stream); });
    return stream.get();
  }

 private:
  ServerStream(std::shared_ptr<Gate> gate, grpc::CallbackServerContext* context)
      : LinkStream(std::move(gate)), context_(context) {}

  void StartReading(Frame* frame) override { StartRead(frame); }
  void StartWriting(const Frame& frame) override { StartWrite(&frame); }
  void StartAccepting() override {
    context_->AddInitialMetadata(kTakenKey, "1");
    StartSendInitialMetadata();
  }
  void StartEnding(const absl::Status& why) override { Finish(ToGrpc(why)); }

  // On gRPC's own thread and not by way of the control thread: a server that shuts down waits for
  // this, and the control thread may be waiting for the server.
  void OnCancel() override { End(absl::UnavailableError("closed by the other side")); }
  void OnSendInitialMetadataDone(bool ok) override {
    if (!ok) OnCancel();
  }
  void OnReadDone(bool ok) override { OnRead(ok, self_); }
  void OnWriteDone(bool ok) override { OnWrite(ok); }
  void OnDone() override {
    Gate::Post(gate_, [why = WhyEnded(absl::UnavailableError("closed")), self = std::move(self_)](
                          LinkStreamOwner& owner) { owner.OnEnded(self.get(), why); });
  }

  grpc::CallbackServerContext* const context_;  // gRPC's, until OnDone.
  std::shared_ptr<ServerStream> self_;          // Until gRPC is done with it.
};

// A call that is over before it began.
class Refusal final : public grpc::ServerBidiReactor<Frame, Frame> {
 public:
  explicit Refusal(const absl::Status& why) { Finish(ToGrpc(why)); }
  void OnDone() override { delete this; }
};

class LinkService final : public Peer::CallbackService {
 public:
  LinkService(std::shared_ptr<Gate> gate, Identify identify)
      : gate_(std::move(gate)), identify_(std::move(identify)) {}

  grpc::ServerBidiReactor<Frame, Frame>* Link(grpc::CallbackServerContext* context) override {
    const absl::StatusOr<NodeId> peer = identify_(*context);
    if (!peer.ok()) return new Refusal(peer.status());
    return ServerStream::Open(gate_, *peer, context);
  }

 private:
  const std::shared_ptr<Gate> gate_;
  const Identify identify_;
};

}  // namespace

void Gate::Post(const std::shared_ptr<Gate>& gate,
                absl::AnyInvocable<void(LinkStreamOwner&)> task) {
  MutexLock lock(gate->mutex_);
  if (gate->scheduler_ == nullptr) return;
  gate->scheduler_->Post([gate, task = std::move(task)]() mutable {
    if (gate->owner_ != nullptr) task(*gate->owner_);
  });
}

void Gate::Close() {
  owner_ = nullptr;
  MutexLock lock(mutex_);
  scheduler_ = nullptr;
}

bool LinkStream::Send(const Frame& frame) {
  MutexLock lock(mutex_);
  if (ended_ || !queue_.Add(frame)) return false;
  if (!writing_) WriteNext();
  return true;
}

void LinkStream::WriteNext() {
  writing_ = !ended_ && queue_.Next(&outgoing_);
  if (writing_) StartWriting(outgoing_);
}

void LinkStream::Read() {
  MutexLock lock(mutex_);
  if (!ended_) StartReading(&incoming_);
}

void LinkStream::Accept() {
  MutexLock lock(mutex_);
  if (!ended_) StartAccepting();
}

void LinkStream::End(const absl::Status& why) {
  MutexLock lock(mutex_);
  if (ended_) return;
  ended_ = true;
  why_ = why;
  StartEnding(why);
}

absl::Status LinkStream::WhyEnded(const absl::Status& otherwise) {
  MutexLock lock(mutex_);
  return why_.ok() ? otherwise : why_;
}

void LinkStream::OnRead(bool ok, const std::shared_ptr<LinkStream>& self) {
  // OK leaves the word to gRPC's status: the other side's reason, or that a frame was too large.
  if (!ok) return End(absl::OkStatus());
  Gate::Post(gate_, [self, frame = std::move(incoming_)](LinkStreamOwner& owner) {
    owner.OnFrame(self.get(), frame);
  });
}

void LinkStream::OnWrite(bool ok) {
  if (!ok) return End(absl::OkStatus());
  MutexLock lock(mutex_);
  WriteNext();
}

std::shared_ptr<LinkStream> OpenLinkStream(std::shared_ptr<Gate> gate,
                                           std::shared_ptr<grpc::Channel> channel) {
  return ClientStream::Open(std::move(gate), std::move(channel));
}

std::unique_ptr<grpc::Service> NewLinkService(std::shared_ptr<Gate> gate, Identify identify) {
  return std::make_unique<LinkService>(std::move(gate), std::move(identify));
}

}  // namespace trellis::gossip
