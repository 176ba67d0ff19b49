// Why a stream or a session ended. Spec: RFC 9113 section 7.
#ifndef TRELLIS_NODE_HTTP_HTTP2_ERROR_CODE_H_
#define TRELLIS_NODE_HTTP_HTTP2_ERROR_CODE_H_

#include <cstdint>

#include "absl/strings/string_view.h"

namespace trellis::http2 {

// A peer may send other values: they stay as they came.
enum class ErrorCode : uint32_t {
  kNoError = 0x0,
  kProtocolError = 0x1,
  kInternalError = 0x2,
  kFlowControlError = 0x3,
  kSettingsTimeout = 0x4,
  kStreamClosed = 0x5,
  kFrameSizeError = 0x6,
  kRefusedStream = 0x7,  // Not processed at all: may be sent again.
  kCancel = 0x8,
  kCompressionError = 0x9,
  kConnectError = 0xa,
  kEnhanceYourCalm = 0xb,
  kInadequateSecurity = 0xc,
  kHttp11Required = 0xd,
};

absl::string_view ErrorCodeName(ErrorCode code);  // "PROTOCOL_ERROR"; "UNKNOWN" for others.

}  // namespace trellis::http2

#endif  // TRELLIS_NODE_HTTP_HTTP2_ERROR_CODE_H_
