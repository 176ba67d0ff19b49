// Objects that requests use one after another, so that their strings keep their memory and idle
// connections have none. Of one worker.
#ifndef TRELLIS_NODE_PROXY_RESTING_H_
#define TRELLIS_NODE_PROXY_RESTING_H_

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace trellis::proxy {

// `T` is made from an Owner& and has Reset(), which leaves it as new.
template <typename T, typename Owner>
class Resting {
 public:
  explicit Resting(Owner& owner) : owner_(owner) {}

  std::unique_ptr<T> Take() {
    if (resting_.empty()) return std::make_unique<T>(owner_);
    std::unique_ptr<T> one = std::move(resting_.back());
    resting_.pop_back();
    return one;
  }
  void Return(std::unique_ptr<T> one) {
    one->Reset();
    if (resting_.size() < kMost) resting_.push_back(std::move(one));
  }

 private:
  // More are given back to the heap. About 4 KiB each.
  static constexpr size_t kMost = 1024;

  Owner& owner_;
  std::vector<std::unique_ptr<T>> resting_;
};

// A string that one request made larger is not kept for the next.
inline void EmptyForNext(std::string& text) {
  constexpr size_t kKeptBytesMax = 8 * 1024;
  if (text.capacity() > kKeptBytesMax) {
    text = std::string();
  } else {
    text.clear();
  }
}

}  // namespace trellis::proxy

#endif  // TRELLIS_NODE_PROXY_RESTING_H_
