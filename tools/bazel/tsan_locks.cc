// Teaches ThreadSanitizer the locks of Debian's Abseil, under which gRPC hands its objects from
// thread to thread: that library is not instrumented, so the order they make would go unseen. Each
// operation is passed on to the library; unlocking releases the mutex's address and locking
// acquires it.
#ifdef __SANITIZE_THREAD__
#include <dlfcn.h>

#include <cstdlib>

extern "C" void __tsan_acquire(void* address);
extern "C" void __tsan_release(void* address);

namespace {

// The library's own function.
template <typename Function>
Function Next(const char* symbol) {
  void* const found = dlsym(RTLD_NEXT, symbol);
  if (found == nullptr) abort();
  return reinterpret_cast<Function>(found);
}

using Operation = void (*)(void* mutex);

}  // namespace

// By mangled name: the class is Abseil's to define.
extern "C" {

void _ZN4absl7debian35Mutex4LockEv(void* mutex) {
  static const auto next = Next<Operation>("_ZN4absl7debian35Mutex4LockEv");
  next(mutex);
  __tsan_acquire(mutex);
}

void _ZN4absl7debian35Mutex10ReaderLockEv(void* mutex) {
  static const auto next = Next<Operation>("_ZN4absl7debian35Mutex10ReaderLockEv");
  next(mutex);
  __tsan_acquire(mutex);
}

bool _ZN4absl7debian35Mutex7TryLockEv(void* mutex) {
  static const auto next = Next<bool (*)(void*)>("_ZN4absl7debian35Mutex7TryLockEv");
  const bool taken = next(mutex);
  if (taken) __tsan_acquire(mutex);
  return taken;
}

void _ZN4absl7debian35Mutex6UnlockEv(void* mutex) {
  static const auto next = Next<Operation>("_ZN4absl7debian35Mutex6UnlockEv");
  __tsan_release(mutex);
  next(mutex);
}

void _ZN4absl7debian35Mutex12ReaderUnlockEv(void* mutex) {
  static const auto next = Next<Operation>("_ZN4absl7debian35Mutex12ReaderUnlockEv");
  __tsan_release(mutex);
  next(mutex);
}

void _ZN4absl7debian37CondVar4WaitEPNS0_5MutexE(void* condition, void* mutex) {
  static const auto next =
      Next<void (*)(void*, void*)>("_ZN4absl7debian37CondVar4WaitEPNS0_5MutexE");
  __tsan_release(mutex);
  next(condition, mutex);
  __tsan_acquire(mutex);
}

}  // extern "C"
#endif  // __SANITIZE_THREAD__
