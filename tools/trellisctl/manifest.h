// Documents as people write them (kind: Rule, service: inventory, …) to the resources that Apply
// takes, and back. docs/trellisctl.md shows the form; schema.h holds its words.
//
// Only the form is checked here: which keys there are, of what type, and that required ones are
// present. Ranges, references and conflicts are the server's to judge.
#ifndef TRELLIS_TOOLS_TRELLISCTL_MANIFEST_H_
#define TRELLIS_TOOLS_TRELLISCTL_MANIFEST_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"
#include "proto/trellis/v1/apply_api.pb.h"
#include "tools/trellisctl/document.h"

namespace trellis::ctl {

// Where each manifest stands, by its `source`: what explains a refusal of the server in the file's
// own words (server_words.h).
struct ManifestPlace {
  std::string file;
  Node node;         // The document, or the item of a target group's `targets`,
  std::string path;  // and that item's path in the document, "targets[0]"; else empty.
};
using ManifestPlaces = std::map<std::string, ManifestPlace>;

// The manifests of a file, in its order; a target group's inline targets follow it. Each manifest's
// `source` is source:line:column. Adds to `places`, which may be null.
//   INVALID_ARGUMENT    source:line:column: field: value: what would be accepted
//   RESOURCE_EXHAUSTED  see document.h
absl::StatusOr<std::vector<v1::Manifest>> ReadManifests(absl::string_view text,
                                                        absl::string_view source,
                                                        ManifestPlaces* places = nullptr);

// A resource as a document that ReadManifests reads back to the same manifest, `source` apart.
// Without `parent` the parents' keys come from the resource's own name.
Node ToDocument(const v1::Resource& resource, absl::string_view parent = "");

// Any other answer of the server in the same words. Zeroes are shown (a script asks for
// `converged`), but not inside resources, where they mean "not given".
Node ReportToNode(const google::protobuf::Message& message);

// The part of a resource name Apply and List take as parent: "svc-1/listener-2" for a rule.
std::string ParentOf(absl::string_view resource_name);
// The last part of a resource name: "svc-1" of "services/svc-1".
std::string IdOf(absl::string_view resource_name);

}  // namespace trellis::ctl

#endif  // TRELLIS_TOOLS_TRELLISCTL_MANIFEST_H_
