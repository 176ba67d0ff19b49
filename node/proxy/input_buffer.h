// Bytes read from a peer and not yet used.
#ifndef TRELLIS_NODE_PROXY_INPUT_BUFFER_H_
#define TRELLIS_NODE_PROXY_INPUT_BUFFER_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"
#include "node/net/stream_socket.h"

namespace trellis::proxy {

// A view of a scratch buffer that all connections share, as long as a step lasts; of memory of its
// own only when something is left over by then. So connections without leftovers hold no buffer.
class InputBuffer {
 public:
  explicit InputBuffer(net::BufferGauge* gauge) : gauge_(gauge) {}
  ~InputBuffer() { Clear(); }
  InputBuffer(const InputBuffer&) = delete;
  InputBuffer& operator=(const InputBuffer&) = delete;

  absl::string_view view() const { return view_; }
  bool empty() const { return view_.empty(); }

  // `bytes` follow what there is. They are not copied if nothing is left over: call Keep before the
  // scratch buffer is used for anything else.
  void Append(absl::string_view bytes) {
    if (view_.empty()) {
      Clear();
      view_ = bytes;
      return;
    }
    Keep();
    kept_.append(bytes.data(), bytes.size());
    gauge_->Add(bytes.size());
    view_ = kept_;
  }
  void Consume(size_t count) { view_.remove_prefix(count); }
  // Copies what is left over, or lets go of the memory.
  void Keep() {
    if (view_.empty()) {
      Clear();
      return;
    }
    if (kept_.empty()) {
      kept_.assign(view_.data(), view_.size());
      gauge_->Add(kept_.size());
    } else if (view_.size() < kept_.size()) {
      // INVARIANT: while kept_ holds anything, view_ is a tail of it.
      gauge_->Remove(kept_.size() - view_.size());
      kept_.erase(0, kept_.size() - view_.size());
    }
    view_ = kept_;
  }
  void Clear() {
    view_ = absl::string_view();
    if (kept_.empty()) return;
    gauge_->Remove(kept_.size());
    kept_ = std::string();
  }

 private:
  net::BufferGauge* const gauge_;
  absl::string_view view_;
  std::string kept_;
};

}  // namespace trellis::proxy

#endif  // TRELLIS_NODE_PROXY_INPUT_BUFFER_H_
