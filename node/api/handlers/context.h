// What a handler knows: who calls, and the agent it answers for. No transport.
//
// Handlers are free functions that read top to bottom: parse, authorize, validate, act, answer.
// They and everything here live on the control thread.
#ifndef TRELLIS_NODE_API_HANDLERS_CONTEXT_H_
#define TRELLIS_NODE_API_HANDLERS_CONTEXT_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/runtime/runtime.h"
#include "gossip/gossip.h"
#include "node/api/handlers/lost_claims.h"
#include "node/api/handlers/request_log.h"
#include "node/health/verdict.h"
#include "proto/trellis/v1/agent_api.pb.h"
#include "proto/trellis/v1/mesh_api.pb.h"
#include "storage/catalog/catalog.h"
#include "storage/resource/relations.h"

namespace trellis::vault {
class KeyKeeper;
}  // namespace trellis::vault

namespace trellis::api {

class Settling;

// Who calls, as the edge has verified it.
struct Caller {
  enum class Kind {
    kLocal,     // Through the admin socket, which only its owner and group may open.
    kOperator,  // On the mesh port, with an operator certificate of this mesh.
  };
  Kind kind = Kind::kLocal;
  std::string name;  // "uid 0" or the operator's name; for logs and for request ids.
};

// Issues what admits others to the mesh. FAILED_PRECONDITION when this agent does not hold the
// issuing key; the message names an agent that does.
class Issuer {
 public:
  virtual ~Issuer() = default;
  // `request.vpc` is a resource name that exists.
  virtual absl::StatusOr<v1::CreateJoinTokenResponse> CreateJoinToken(
      const v1::CreateJoinTokenRequest& request) = 0;
  virtual absl::StatusOr<v1::CreateOperatorCertificateResponse> CreateOperatorCertificate(
      const v1::CreateOperatorCertificateRequest& request) = 0;
};

// What is fixed for the mesh's life.
struct MeshIdentity {
  std::string id;       // 16 bytes.
  std::string account;  // Owner of resources that name none. 12 digits.
  std::string region;
  std::string domain;  // Generated host names end in it.
};

// Of what the catalog holds, and keeps up with it.
std::shared_ptr<const resource::Relations> RelationsOf(storage::Catalog& catalog);

// The agent behind the API; made once. References are borrowed and outlive every call.
struct AgentContext {
  storage::Catalog& catalog;
  Runtime runtime;
  gossip::Gossip& gossip;
  MeshIdentity mesh;
  storage::NodeId node = 0;

  // The health of a target (by resource name) as this agent's checks see it, and why; none when it
  // checks no such target.
  std::function<std::optional<health::Verdict>(const std::string& target)> health;
  // Which listener, rule and target group a request would meet.
  std::function<absl::StatusOr<v1::ExplainRequestResponse>(const v1::ExplainRequestRequest&)>
      explain;
  Issuer* issuer = nullptr;          // Null: this agent issues nothing.
  Settling* settling = nullptr;      // Null: everything counts as created.
  vault::KeyKeeper* keys = nullptr;  // Null: this agent keeps no sealing keys.
  // Sentences about this agent that somebody should read soon; null: never any.
  std::function<std::vector<std::string>()> alarms;

  RequestLog requests;  // Answers to repeat for repeated request ids.
  const std::shared_ptr<const resource::Relations> relations = RelationsOf(catalog);
  const std::shared_ptr<const LostClaims> lost_claims = LostClaims::Of(catalog, relations);
};

// One call.
struct CallContext {
  AgentContext& agent;
  Caller caller;
  // Set by a handler that wrote; the edge hands it to the caller for WaitForConvergence.
  std::optional<storage::MeshToken> written;

  absl::Time now() const { return agent.runtime.scheduler.WallNow(); }
};

// kRegister: targets, of which CheckMayRegister says more.
enum class Action { kRead, kWrite, kRegister, kAdmit };

// Whether the caller may do `action` to `resource`. Today every verified caller may do everything
// that the answering agent may: this is the one place that a policy will change.
//   PERMISSION_DENIED
absl::Status Authorize(const CallContext& call, Action action, absl::string_view resource);

}  // namespace trellis::api

#endif  // TRELLIS_NODE_API_HANDLERS_CONTEXT_H_
