// The server's refusals in the words of the file that was applied. The server names a field by its
// path in the API's messages, and only the place where its document begins; whoever wrote the file
// knows neither.
#ifndef TRELLIS_TOOLS_TRELLISCTL_SERVER_WORDS_H_
#define TRELLIS_TOOLS_TRELLISCTL_SERVER_WORDS_H_

#include <string>

#include "absl/strings/string_view.h"
#include "proto/trellis/v1/apply_api.pb.h"
#include "tools/trellisctl/manifest.h"

namespace trellis::ctl {

// "shop.yaml:7:1: rule.match.http_match.path_match.prefix: …" becomes
// "shop.yaml:12:17: match.path.prefix: …", for a message about one of `request`'s manifests, which
// stand at `places`. A field that the file leaves out has the place of what it would be in. A
// message that is not of this form stays as it is.
std::string InManifestWords(absl::string_view message, const v1::ApplyRequest& request,
                            const ManifestPlaces& places);

}  // namespace trellis::ctl

#endif  // TRELLIS_TOOLS_TRELLISCTL_SERVER_WORDS_H_
