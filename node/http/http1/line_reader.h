// Lines of a head from a buffer that grows and moves between calls.
#ifndef TRELLIS_NODE_HTTP_HTTP1_LINE_READER_H_
#define TRELLIS_NODE_HTTP_HTTP1_LINE_READER_H_

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "absl/strings/string_view.h"
#include "node/http/http1/message.h"

namespace trellis::http1 {

class LineReader {
 public:
  // The next whole line without its CR LF. Looks at each byte once, however it arrived.
  //   kHeadTooLarge  it does not end within the first `bytes_max` of `buffer`
  //   kLineEnding    it ends in a bare LF
  Parse Next(absl::string_view buffer, size_t bytes_max, absl::string_view* line, Error* error) {
    const size_t end = std::min(buffer.size(), bytes_max);
    const void* found =
        scanned_ == end ? nullptr : memchr(buffer.data() + scanned_, '\n', end - scanned_);
    if (found == nullptr) {
      scanned_ = end;
      if (end < bytes_max) return Parse::kNeedMore;
      *error = Error::kHeadTooLarge;
      return Parse::kError;
    }
    const size_t feed = static_cast<const char*>(found) - buffer.data();
    if (feed == begin_ || buffer[feed - 1] != '\r') {
      *error = Error::kLineEnding;
      return Parse::kError;
    }
    *line = buffer.substr(begin_, feed - 1 - begin_);
    begin_ = scanned_ = feed + 1;
    return Parse::kDone;
  }

  // Where the next line begins: behind all that Next has returned.
  size_t position() const { return begin_; }
  void Reset() { begin_ = scanned_ = 0; }

 private:
  size_t begin_ = 0;
  size_t scanned_ = 0;  // No LF in [begin_, scanned_).
};

}  // namespace trellis::http1

#endif  // TRELLIS_NODE_HTTP_HTTP1_LINE_READER_H_
