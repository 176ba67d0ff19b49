#include "node/http/http2/frame_guard.h"

#include <algorithm>

namespace trellis::http2 {

bool TokenBucket::Take(absl::Duration now) {
  if (now > refilled_) {
    Give(rate_.per_second * absl::ToDoubleSeconds(now - refilled_));
  }
  refilled_ = now;
  if (tokens_ < 1) return false;
  tokens_ -= 1;
  return true;
}

void TokenBucket::Give(double tokens) { tokens_ = std::min(rate_.burst, tokens_ + tokens); }

ErrorCode FrameGuard::Admit(const FrameHeader& header, absl::Duration now) {
  const bool end_stream = (header.flags & kFlagEndStream) != 0;
  switch (header.type) {
    case FrameType::kData: {
      const Opened* opened = Find(header.stream);
      if (opened != nullptr && opened->ended) return ErrorCode::kStreamClosed;
      if (end_stream) NoteEnd(header);
      if (header.length == 0 && !end_stream) return TakeControl(now);
      control_.Give(limits_.control_per_message_frame);
      return ErrorCode::kNoError;
    }
    case FrameType::kHeaders:
      return AdmitHeaders(header);
    case FrameType::kContinuation:
      return AdmitContinuation(header, now);
    case FrameType::kRstStream:
      // A second one for a stream is ignored by the library; here each counts.
      NoteEnd(header);
      if (const ErrorCode error = TakeReset(now); error != ErrorCode::kNoError) return error;
      return TakeControl(now);
    case FrameType::kPriority:
      // The library ignores the frame as a whole once priorities are off (RFC 9113 5.3.2).
      if (header.stream == 0 || header.depends_on == header.stream) {
        return ErrorCode::kProtocolError;
      }
      return TakeControl(now);
    default:
      return TakeControl(now);
  }
}

ErrorCode FrameGuard::AdmitHeaders(const FrameHeader& header) {
  block_bytes_ = header.length;
  continuations_ = 0;
  control_.Give(limits_.control_per_message_frame);
  if (!server_) return ErrorCode::kNoError;
  if (header.stream > last_opened_) {
    last_opened_ = header.stream;
    opened_[opened_next_] = {header.stream, false};
    opened_next_ = (opened_next_ + 1) % kOpenedMax;
  } else {
    const Opened* opened = Find(header.stream);
    if (opened != nullptr && opened->ended) return ErrorCode::kStreamClosed;
    // INVARIANT: ids only grow in opened_, so one above its oldest that it lacks was skipped, and
    // thereby closed (5.1.1).
    const int32_t oldest = opened_[opened_next_].stream;
    if (opened == nullptr && header.stream > oldest) return ErrorCode::kProtocolError;
  }
  if (header.flags & kFlagEndStream) NoteEnd(header);
  return ErrorCode::kNoError;
}

ErrorCode FrameGuard::AdmitContinuation(const FrameHeader& header, absl::Duration now) {
  block_bytes_ += header.length;
  if (++continuations_ > limits_.continuations_max || block_bytes_ > limits_.block_bytes_max) {
    counters_.block_floods.Add();
    return ErrorCode::kEnhanceYourCalm;
  }
  return TakeControl(now);
}

ErrorCode FrameGuard::TakeReset(absl::Duration now) {
  // A server can reset no more than we begin.
  if (!server_ || resets_.Take(now)) return ErrorCode::kNoError;
  counters_.reset_floods.Add();
  return ErrorCode::kEnhanceYourCalm;
}

ErrorCode FrameGuard::TakeControl(absl::Duration now) {
  if (control_.Take(now)) return ErrorCode::kNoError;
  counters_.control_floods.Add();
  return ErrorCode::kEnhanceYourCalm;
}

FrameGuard::Opened* FrameGuard::Find(int32_t stream) {
  if (stream == 0) return nullptr;
  for (Opened& opened : opened_) {
    if (opened.stream == stream) return &opened;
  }
  return nullptr;
}

void FrameGuard::NoteEnd(const FrameHeader& header) {
  if (Opened* opened = Find(header.stream); opened != nullptr) opened->ended = true;
}

}  // namespace trellis::http2
