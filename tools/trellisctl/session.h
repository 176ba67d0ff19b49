// One run of trellisctl: where it reads and writes, and its connection to an agent.
#ifndef TRELLIS_TOOLS_TRELLISCTL_SESSION_H_
#define TRELLIS_TOOLS_TRELLISCTL_SESSION_H_

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/support/status.h>

#include <functional>
#include <istream>
#include <map>
#include <memory>
#include <ostream>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tools/trellisctl/command.h"
#include "tools/trellisctl/exit_code.h"
#include "tools/trellisctl/output.h"

namespace trellis::mesh {
class MeshDialer;
}  // namespace trellis::mesh

namespace trellis::ctl {

inline constexpr char kDefaultSocket[] = "/run/trellis/admin.sock";
inline constexpr absl::Duration kCallTimeout = absl::Seconds(10);
// As node/api/grpc/admin_service.h has it.
inline constexpr char kMeshTokenMetadata[] = "x-mesh-token";
inline constexpr char kStartingMetadata[] = "x-trellis-starting";
// An agent that has just started refuses for some 3 s at most what it will take then: the call is
// made so often, with such a pause in between. Nobody need see it.
inline constexpr absl::Duration kStartingPause = absl::Milliseconds(100);
inline constexpr int kStartingCalls = 50;

// Which agent to talk to, and how.
struct Destination {
  std::string socket = kDefaultSocket;  // Unix socket of the agent on this host; unless
  std::string agent;                    // host:port of a mesh port is given,
  std::string identity;                 // and the file of the operator's identity for it.
  // A write that the agent must hold before it answers; empty: whatever it holds will do.
  std::string mesh_token;
};

// A connection that is made when first needed and lives as long as the session.
//
// Thread-safety: none.
class Session {
 public:
  using Pause = std::function<void(absl::Duration)>;

  Session(Destination destination, OutputFormat format, std::istream& in, std::ostream& out,
          std::ostream& err, Pause pause = absl::SleepFor);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  std::istream& in() { return in_; }
  std::ostream& out() { return out_; }
  std::ostream& err() { return err_; }
  OutputFormat format() const { return format_; }

  // UNAVAILABLE (exit 4): no agent there; the message says what was tried and what may help.
  // INVALID_ARGUMENT (exit 2): the destination or the identity file is not one.
  absl::StatusOr<std::shared_ptr<grpc::Channel>> Channel();

  // One unary call: session.Call(&v1::ApplyAdmin::Stub::Apply, request, &response).
  // The server's refusals have exit code 1, a lost connection and no answer in time 4. What an
  // agent refuses because it has just started is asked again within the timeout.
  template <typename Stub, typename Request, typename Response>
  absl::Status Call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                    const Request& request, Response* response,
                    absl::Duration timeout = kCallTimeout) {
    auto channel = Channel();
    if (!channel.ok()) return channel.status();
    Stub stub(*channel);
    const absl::Time deadline = absl::Now() + timeout;
    for (int calls = 1;; ++calls) {
      grpc::ClientContext context;
      context.set_deadline(absl::ToChronoTime(deadline));
      if (!destination_.mesh_token.empty()) {
        context.AddMetadata(kMeshTokenMetadata, destination_.mesh_token);
      }
      const grpc::Status status = (stub.*method)(&context, request, response);
      if (calls < kStartingCalls && HasJustStarted(context, status)) {
        pause_(kStartingPause);
        continue;
      }
      const auto token = context.GetServerTrailingMetadata().find(kMeshTokenMetadata);
      if (token != context.GetServerTrailingMetadata().end()) {
        written_.assign(token->second.data(), token->second.size());
      }
      return FromGrpc(status);
    }
  }
  // The mesh token of the last call that wrote; one agent's holds for all that it wrote before.
  // Empty: none wrote.
  const std::string& written() const { return written_; }
  absl::Status FromGrpc(const grpc::Status& status) const;

  // Display names of what tables refer to: each kind is listed once, when first asked for. A
  // reference to what is not there stays as it is. Borrows the session.
  NameOf Names();
  // The same for documents, which must be found again when they are applied: the id stays where the
  // display name is not the only one of its kind and parent, or may be another account's.
  NameOf References();

 private:
  struct Named {
    std::string title;
    bool findable = true;  // By its title.
  };
  using NamesById = std::map<std::string, Named>;

  const NamesById& NamesOf(Kind kind);
  absl::Status ConnectLocally();
  absl::Status ConnectRemotely();
  bool ConnectionLost() const;
  static bool HasJustStarted(const grpc::ClientContext& context, const grpc::Status& status);

  const Destination destination_;
  const OutputFormat format_;
  std::istream& in_;
  std::ostream& out_;
  std::ostream& err_;
  const Pause pause_;
  std::unique_ptr<mesh::MeshDialer> dialer_;  // Pumps the bytes of a remote connection.
  std::shared_ptr<grpc::Channel> channel_;
  std::string written_;
  int watched_fd_ = -1;  // The channel's socket once more, to see whether it is still connected.
  std::map<Kind, NamesById> names_;
};

}  // namespace trellis::ctl

#endif  // TRELLIS_TOOLS_TRELLISCTL_SESSION_H_
