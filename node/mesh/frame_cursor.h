// Follows the frames that gRPC writes on one HTTP/2 connection, to tell window updates from all
// that somebody waits for.
#ifndef TRELLIS_NODE_MESH_FRAME_CURSOR_H_
#define TRELLIS_NODE_MESH_FRAME_CURSOR_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace trellis::mesh {

// Thread-safety: none.
class FrameCursor {
 public:
  // Takes the connection's next bytes, in pieces of any size. When they are whole WINDOW_UPDATE
  // frames (RFC 9113, 6.9) and nothing else, returns what these grant in all; else 0.
  uint64_t Take(absl::string_view bytes);

 private:
  uint64_t GrantOf(absl::string_view bytes) const;
  void Advance(absl::string_view bytes);

  bool begun_ = false;
  size_t skip_ = 0;   // Bytes left of the preface, or of a frame's payload.
  std::string head_;  // Of a frame, while it is not whole.
};

}  // namespace trellis::mesh

#endif  // TRELLIS_NODE_MESH_FRAME_CURSOR_H_
