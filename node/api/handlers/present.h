// Resources as callers see them: with the fields that are computed, not stored.
#ifndef TRELLIS_NODE_API_HANDLERS_PRESENT_H_
#define TRELLIS_NODE_API_HANDLERS_PRESENT_H_

#include <set>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "node/api/handlers/context.h"
#include "proto/trellis/v1/resource.pb.h"
#include "storage/resource/references.h"

namespace trellis::api {

// Made for one call; borrows both. What concerns many resources (who uses which target group, how
// many associations a network has) is gathered at first need, in one pass, and kept.
class Presenter {
 public:
  Presenter(const AgentContext& agent, const resource::View& view) : agent_(agent), view_(view) {}

  // Fills ARNs, generated domains, statuses, counts, users of target groups and target health.
  v1::Resource Present(const std::string& name, const v1::Resource& stored);

 private:
  struct Associations {
    int vpcs = 0;
    int services = 0;
  };

  v1::ResourceStatus StatusOf(const std::string& name) const;
  void PresentTarget(const std::string& name, v1::Target* target);
  bool IsAdmitted(const std::string& target) const;
  const std::set<std::string>& UsersOf(const std::string& target_group);
  const Associations& AssociationsOf(const std::string& service_network);

  const AgentContext& agent_;
  const resource::View& view_;
  bool users_gathered_ = false;
  absl::flat_hash_map<std::string, std::set<std::string>> users_;  // Target group -> services.
  bool associations_gathered_ = false;
  absl::flat_hash_map<std::string, Associations> associations_;  // By service network.
};

}  // namespace trellis::api

#endif  // TRELLIS_NODE_API_HANDLERS_PRESENT_H_
