#include "node/http/http1/message.h"

namespace trellis::http1 {

absl::string_view ErrorName(Error error) {
  switch (error) {
    case Error::kNone:
      return "none";
    case Error::kStartLine:
      return "start_line";
    case Error::kMethod:
      return "method";
    case Error::kTarget:
      return "target";
    case Error::kVersion:
      return "version";
    case Error::kHeaderName:
      return "header_name";
    case Error::kHeaderValue:
      return "header_value";
    case Error::kLineEnding:
      return "line_ending";
    case Error::kFold:
      return "fold";
    case Error::kHost:
      return "host";
    case Error::kContentLength:
      return "content_length";
    case Error::kTransferEncoding:
      return "transfer_encoding";
    case Error::kBothLengths:
      return "both_lengths";
    case Error::kHeadTooLarge:
      return "head_too_large";
    case Error::kTooManyHeaders:
      return "too_many_headers";
    case Error::kChunk:
      return "chunk";
    case Error::kTrailer:
      return "trailer";
  }
  return "unknown";
}

}  // namespace trellis::http1
