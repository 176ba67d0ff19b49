// Text written through a cursor, for lines made with every request: no checks, no allocation. The
// caller has made room, by a bound it knows; each function returns where the next byte goes.
#ifndef TRELLIS_BASE_TEXT_PUT_H_
#define TRELLIS_BASE_TEXT_PUT_H_

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "absl/strings/string_view.h"

namespace trellis::text {

// A literal, without its final NUL: copied with a length the compiler knows.
template <size_t N>
char* Put(const char (&literal)[N], char* out) {
  std::memcpy(out, literal, N - 1);
  return out + N - 1;
}

inline char* Put(absl::string_view text, char* out) {
  if (!text.empty()) std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

// In decimal.
inline constexpr size_t kNumberBytesMax = 20;
inline char* PutNumber(uint64_t number, char* out) {
  return std::to_chars(out, out + kNumberBytesMax, number).ptr;
}

}  // namespace trellis::text

#endif  // TRELLIS_BASE_TEXT_PUT_H_
