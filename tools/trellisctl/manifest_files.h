// Where manifests come from: files, folders, standard input.
#ifndef TRELLIS_TOOLS_TRELLISCTL_MANIFEST_FILES_H_
#define TRELLIS_TOOLS_TRELLISCTL_MANIFEST_FILES_H_

#include <istream>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/trellis/v1/apply_api.pb.h"
#include "tools/trellisctl/manifest.h"

namespace trellis::ctl {

// The manifests of every path, in the order given, and where they stand. "-" reads `in`; a folder
// stands for its *.yaml,
// *.yml and *.json, by name, not deeper.
//   INVALID_ARGUMENT    a file cannot be read, a folder has none, or see ReadManifests
//   RESOURCE_EXHAUSTED  more manifests than one Apply takes (1000), or see ReadManifests
absl::StatusOr<std::vector<v1::Manifest>> ReadManifestFiles(const std::vector<std::string>& paths,
                                                            std::istream& in,
                                                            ManifestPlaces* places = nullptr);

}  // namespace trellis::ctl

#endif  // TRELLIS_TOOLS_TRELLISCTL_MANIFEST_FILES_H_
