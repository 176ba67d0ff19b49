// Judges each frame by its header before the library works on it: floods, and frames on streams
// that are over, which the library lets pass.
//
// Spec: RFC 9113 sections 5.1 (stream states), 5.1.1 (stream identifiers), 10.5 (denial of
// service).
#ifndef TRELLIS_NODE_HTTP_HTTP2_FRAME_GUARD_H_
#define TRELLIS_NODE_HTTP_HTTP2_FRAME_GUARD_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"
#include "node/http/http2/error_code.h"
#include "node/http/http2/frame_reader.h"
#include "node/http/http2/limits.h"

namespace trellis::http2 {

class TokenBucket {
 public:
  explicit TokenBucket(const Rate& rate) : rate_(rate), tokens_(rate.burst) {}

  // False when there is none left.
  bool Take(absl::Duration now);
  void Give(double tokens);

 private:
  const Rate& rate_;
  double tokens_;
  absl::Duration refilled_ = absl::InfiniteDuration();  // Of the first Take from then on.
};

// What it finds is an error of the whole connection: kNoError lets the frame pass.
class FrameGuard {
 public:
  // Both outlive it.
  FrameGuard(bool server, const Limits& limits, Counters* counters)
      : server_(server),
        limits_(limits),
        counters_(*counters),
        resets_(limits.resets),
        control_(limits.control) {}

  // `header` has come whole and none of its payload was worked on.
  ErrorCode Admit(const FrameHeader& header, absl::Duration now);
  // The peer made us reset a stream.
  ErrorCode NoteForcedReset(absl::Duration now) { return TakeReset(now); }
  // A frame of a message was sent.
  void NoteSent() { control_.Give(limits_.control_per_message_frame); }
  // A stream of the peer's ran its course: so much for one that does not.
  void NoteServed() { resets_.Give(1); }

 private:
  // Of the streams the peer opened last, in their order. Older ones, and those that we reset while
  // the peer was still sending, are left to the library, which ignores what comes late.
  struct Opened {
    int32_t stream = 0;
    bool ended = false;  // By the peer: it may send no more on it.
  };
  static constexpr size_t kOpenedMax = 32;

  ErrorCode AdmitHeaders(const FrameHeader& header);
  ErrorCode AdmitContinuation(const FrameHeader& header, absl::Duration now);
  ErrorCode TakeReset(absl::Duration now);
  ErrorCode TakeControl(absl::Duration now);
  Opened* Find(int32_t stream);
  void NoteEnd(const FrameHeader& header);

  const bool server_;
  const Limits& limits_;
  Counters& counters_;
  TokenBucket resets_;
  TokenBucket control_;
  size_t block_bytes_ = 0;  // Of the block of fields under way.
  int continuations_ = 0;
  std::array<Opened, kOpenedMax> opened_ = {};
  size_t opened_next_ = 0;  // Where the next one goes, in place of the oldest.
  int32_t last_opened_ = 0;
};

}  // namespace trellis::http2

#endif  // TRELLIS_NODE_HTTP_HTTP2_FRAME_GUARD_H_
