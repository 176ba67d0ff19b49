// Teaches ThreadSanitizer the locks of Debian's Abseil, under which gRPC hands its objects from
// thread to thread, and where gRPC does so without locks: those libraries are not instrumented, so
// the order they make would go unseen. Each operation is passed on to the library; unlocking
// releases the mutex's address and locking acquires it.
#ifdef __SANITIZE_THREAD__
#include <dlfcn.h>
#include <grpc/grpc.h>

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

// gRPC's operations are started on one thread and completed on any: what was done before the start
// comes before what the completion does. The tag names the operation.

grpc_call_error grpc_call_start_batch(grpc_call* call, const grpc_op* operations, size_t count,
                                      void* tag, void* reserved) {
  static const auto next = Next<decltype(&grpc_call_start_batch)>("grpc_call_start_batch");
  __tsan_release(tag);
  return next(call, operations, count, tag, reserved);
}

grpc_event grpc_completion_queue_next(grpc_completion_queue* queue, gpr_timespec deadline,
                                      void* reserved) {
  static const auto next =
      Next<decltype(&grpc_completion_queue_next)>("grpc_completion_queue_next");
  const grpc_event event = next(queue, deadline, reserved);
  if (event.type == GRPC_OP_COMPLETE) __tsan_acquire(event.tag);
  return event;
}

grpc_event grpc_completion_queue_pluck(grpc_completion_queue* queue, void* tag,
                                       gpr_timespec deadline, void* reserved) {
  static const auto next =
      Next<decltype(&grpc_completion_queue_pluck)>("grpc_completion_queue_pluck");
  const grpc_event event = next(queue, tag, deadline, reserved);
  if (event.type == GRPC_OP_COMPLETE) __tsan_acquire(event.tag);
  return event;
}

// grpc::internal::CallbackWithSuccessTag::StaticRun: a completion by callback.
void _ZN4grpc8internal22CallbackWithSuccessTag9StaticRunEP29grpc_completion_queue_functori(
    grpc_completion_queue_functor* tag, int ok) {
  static const auto next = Next<void (*)(grpc_completion_queue_functor*, int)>(
      "_ZN4grpc8internal22CallbackWithSuccessTag9StaticRunEP29grpc_completion_queue_functori");
  __tsan_acquire(tag);
  next(tag, ok);
}

// grpc::internal::ServerCallbackCall: two counters behind the pointer to its virtual table; whoever
// brings one of them to its end, in the library, goes on with what the others did before.

void _ZN4grpc8internal18ServerCallbackCall12CallOnCancelEPNS0_13ServerReactorE(void* call,
                                                                               void* reactor) {
  static const auto next = Next<void (*)(void*, void*)>(
      "_ZN4grpc8internal18ServerCallbackCall12CallOnCancelEPNS0_13ServerReactorE");
  __tsan_acquire(static_cast<char*>(call) + 8);  // on_cancel_conditions_remaining_
  next(call, reactor);
}

void _ZN4grpc8internal18ServerCallbackCall14ScheduleOnDoneEb(void* call, bool inlined) {
  static const auto next =
      Next<void (*)(void*, bool)>("_ZN4grpc8internal18ServerCallbackCall14ScheduleOnDoneEb");
  __tsan_acquire(static_cast<char*>(call) + 12);  // callbacks_outstanding_
  next(call, inlined);
}

}  // extern "C"
#endif  // __SANITIZE_THREAD__
