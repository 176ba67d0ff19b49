// Which agents hold the root's key and may issue certificates, as the roster says.
#ifndef TRELLIS_NODE_MESH_ISSUERS_H_
#define TRELLIS_NODE_MESH_ISSUERS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "storage/catalog/catalog.h"

namespace trellis::mesh {

// More than these are not asked, nor named.
inline constexpr size_t kMaxIssuers = 8;

struct IssuingAgent {
  uint64_t node = 0;
  std::string display_name;
  std::string address;  // host:port.
};

// In order of their node ids.
std::vector<IssuingAgent> IssuingAgents(const storage::Catalog& catalog);

// FAILED_PRECONDITION, for who asked an agent without the key: names those with it.
absl::Status NotIssuingError(const storage::Catalog& catalog);

}  // namespace trellis::mesh

#endif  // TRELLIS_NODE_MESH_ISSUERS_H_
