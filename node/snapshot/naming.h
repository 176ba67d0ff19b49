// The names of resources that follow from the mesh: ARNs and generated host names.
#ifndef TRELLIS_NODE_SNAPSHOT_NAMING_H_
#define TRELLIS_NODE_SNAPSHOT_NAMING_H_

#include <string>

#include "absl/strings/string_view.h"
#include "proto/trellis/v1/resource.pb.h"

namespace trellis {

// What is fixed for the mesh's life. A value.
//
// The catalog stores neither ARNs nor generated host names, since they follow from the rest; a
// resource that carries one all the same keeps it.
struct Naming {
  std::string account;  // Owner of resources that name none. 12 digits.
  std::string region;
  std::string mesh_id;      // 16 bytes.
  std::string mesh_domain;  // Generated host names end in it.

  std::string ArnOf(absl::string_view name, absl::string_view stored_arn,
                    absl::string_view owner) const;
  std::string DomainOf(absl::string_view name, const v1::Service& service) const;
};

}  // namespace trellis

#endif  // TRELLIS_NODE_SNAPSHOT_NAMING_H_
