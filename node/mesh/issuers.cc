#include "node/mesh/issuers.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "auth/trust/identity.h"
#include "storage/resource/names.h"

namespace trellis::mesh {

std::vector<IssuingAgent> IssuingAgents(const storage::Catalog& catalog) {
  std::vector<IssuingAgent> issuers;
  catalog.Visit(resource::CollectionPrefix(resource::Kind::kAgent), "",
                [&](const std::string& name, const storage::Catalog::Record& record) {
                  const v1::Agent& agent = record.resource->agent();
                  const absl::StatusOr<uint64_t> node = trust::ParseNodeHex(resource::IdOf(name));
                  if (agent.issues_certificates() && node.ok()) {
                    issuers.push_back({*node, agent.display_name(), agent.mesh_address()});
                  }
                  return issuers.size() < kMaxIssuers;
                });
  return issuers;
}

absl::Status NotIssuingError(const storage::Catalog& catalog) {
  const std::vector<IssuingAgent> issuers = IssuingAgents(catalog);
  return absl::FailedPreconditionError(absl::StrCat(
      "this agent does not hold the mesh's issuing key; ask ",
      issuers.empty() ? "the agent that made the mesh"
                      : absl::StrJoin(issuers, " or ", [](std::string* out, const auto& agent) {
                          absl::StrAppend(out, agent.display_name, " (", agent.address, ")");
                        })));
}

}  // namespace trellis::mesh
