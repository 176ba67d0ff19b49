// Resources as callers see them: with the fields that are computed, not stored.
#ifndef TRELLIS_NODE_API_HANDLERS_PRESENT_H_
#define TRELLIS_NODE_API_HANDLERS_PRESENT_H_

#include <string>

#include "absl/strings/string_view.h"
#include "node/api/handlers/context.h"
#include "proto/trellis/v1/resource.pb.h"
#include "storage/resource/references.h"

namespace trellis::api {

// Made for one call; borrows both.
class Presenter {
 public:
  Presenter(const AgentContext& agent, const resource::View& view) : agent_(agent), view_(view) {}

  // Fills ARNs, generated domains, statuses, lost claims, counts, users of target groups and target
  // health.
  v1::Resource Present(const std::string& name, const v1::Resource& stored) const;

 private:
  v1::ResourceStatus StatusOf(const std::string& name) const;
  void PresentTarget(const std::string& name, v1::Target* target) const;
  bool IsAdmitted(const std::string& target) const;
  int Count(resource::Relation relation, const std::string& name) const;

  const AgentContext& agent_;
  const resource::View& view_;
};

}  // namespace trellis::api

#endif  // TRELLIS_NODE_API_HANDLERS_PRESENT_H_
