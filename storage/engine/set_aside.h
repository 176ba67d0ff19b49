// Puts a corrupt database out of the way, so that another can be made in its place. Nothing is ever
// deleted: what was acknowledged here and had reached no peer is in there and nowhere else.
#ifndef TRELLIS_STORAGE_ENGINE_SET_ASIDE_H_
#define TRELLIS_STORAGE_ENGINE_SET_ASIDE_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace trellis::storage {

// Of one folder. A disk that corrupts more than that is to be replaced, and must not be filled.
inline constexpr size_t kMaxSetAside = 3;

// Renames `folder` to folder.corrupt-YYYYMMDDThhmmssZ beside it, on disk when this returns; returns
// the new name. No database may be open in it.
//   RESOURCE_EXHAUSTED  kMaxSetAside lie there already; the message says what to do
//   UNAVAILABLE         the system refused
// Whatever the error, the folder is where it was.
absl::StatusOr<std::string> SetAside(const std::string& folder, absl::Time now);

// What lies there, the oldest first. Empty also when it cannot be read.
std::vector<std::string> FindSetAside(const std::string& folder);

}  // namespace trellis::storage

#endif  // TRELLIS_STORAGE_ENGINE_SET_ASIDE_H_
