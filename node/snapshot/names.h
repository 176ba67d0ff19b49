// Shapes of resource names, as far as compiling depends on them.
#ifndef TRELLIS_NODE_SNAPSHOT_NAMES_H_
#define TRELLIS_NODE_SNAPSHOT_NAMES_H_

#include <cstddef>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"

namespace trellis {

inline constexpr absl::string_view kAgents = "agents/";
inline constexpr absl::string_view kServices = "services/";
inline constexpr absl::string_view kServiceNetworks = "serviceNetworks/";
inline constexpr absl::string_view kTargetGroups = "targetGroups/";
inline constexpr absl::string_view kVpcAssociations = "vpcAssociations/";
inline constexpr absl::string_view kServiceAssociations = "serviceAssociations/";

// "services/svc-1" of itself and of all below it.
inline absl::string_view TopLevelOf(absl::string_view name) {
  const size_t collection = name.find('/');
  if (collection == absl::string_view::npos) return name;
  return name.substr(0, name.find('/', collection + 1));
}

// True for "{collection}{id}" exactly. A reference of any other shape refers to nothing: a change
// of what it names would be taken for a change of something else.
inline bool IsTopLevel(absl::string_view name, absl::string_view collection) {
  return absl::StartsWith(name, collection) && name.size() > collection.size() &&
         TopLevelOf(name) == name;
}

}  // namespace trellis

#endif  // TRELLIS_NODE_SNAPSHOT_NAMES_H_
