// What sanitizers are told from inside every program that is built with them (.bazelrc): no path
// or variable has to reach the programs that tests start.
extern "C" {

const char* __ubsan_default_options() { return "print_stacktrace=1"; }

// Debian's libraries are not instrumented. Their locks are made known by tsan_locks.cc; what is
// left out here is what their own code does to memory, in the libraries or inlined from their
// headers. Accesses of ours stay visible, also when they call us.
const char* __tsan_default_suppressions() {
  return "called_from_lib:libgrpc++_unsecure.so\n"
         "called_from_lib:libgrpc_unsecure.so\n"
         "called_from_lib:libgpr.so\n"
         "called_from_lib:libupb.so\n"
         "called_from_lib:libprotobuf.so\n"
         "called_from_lib:libabsl_base.so\n"
         "called_from_lib:libabsl_cord.so\n"
         "called_from_lib:libabsl_cord_internal.so\n"
         "called_from_lib:libabsl_graphcycles_internal.so\n"
         "called_from_lib:libabsl_status.so\n"
         "called_from_lib:libabsl_strings.so\n"
         "called_from_lib:libabsl_synchronization.so\n"
         "called_from_lib:libabsl_time.so\n"
         "called_from_lib:libabsl_time_zone.so\n"
         // Combined with UndefinedBehaviorSanitizer: its probe of a pointer's memory.
         "called_from_lib:libubsan.so\n"
         "race_top:^grpc::\n"
         "race_top:^grpc_\n"
         "race_top:^absl::\n"
         "race_top:^google::protobuf::\n"
         "race_top:^rocksdb::\n"
         // A descriptor closed by one RocksDB thread after another read from it.
         "race:^rocksdb::Posix\n"
         // A call's state, filled in by whoever starts the operation and read by the thread that
         // completes it: ordered inside gRPC without a lock. Nothing of ours runs below these.
         "race:^grpc::internal::CallbackWithSuccessTag::Set\n"
         "race:^grpc::internal::InterceptorBatchMethodsImpl::\n"
         // What an operation sends and receives, read and written on the thread that completes it.
         "race:^grpc::internal::CallOp\n"
         // A status that the library let go of on one thread and we on another, who frees it.
         "race:^absl::debian3::Status::Unref\n"
         // A call's end: its last reference, counted by atomics inside gRPC, destroys what its
         // operations used, and their callbacks. An invocation of a destroyed std::function of ours
         // would still show, by what it runs.
         "race:^grpc::internal::CallbackBidiHandler<*>::ServerCallbackReaderWriterImpl::~\n"
         "race:^grpc::internal::ServerCallbackCall::Unref\n"
         "race_top:^std::__atomic_base<grpc::\n"
         "race_top:^std::_Function_base::_M_empty\n"
         "race_top:^std::function<void (bool)>::operator()\n";
}

}  // extern "C"
