// The release these programs are of: what `--version`, the mesh's state and the logs say.
#ifndef TRELLIS_BASE_VERSION_H_
#define TRELLIS_BASE_VERSION_H_

namespace trellis {

inline constexpr char kVersion[] = "0.1.0";

}  // namespace trellis

#endif  // TRELLIS_BASE_VERSION_H_
