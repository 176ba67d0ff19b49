// What sanitizers are told from inside every program that is built with them (.bazelrc): no path
// or variable has to reach the programs that tests start.
extern "C" {

const char* __ubsan_default_options() { return "print_stacktrace=1"; }

// Debian's libraries are not instrumented. The order they keep is made known by tsan_order.cc; what
// is left out here is what their own code does to memory, in the libraries or inlined from their
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
         // A static's lock, made by whichever thread came first.
         "race:^rocksdb::RegisterCacheDeleterRole\n"
         // A request of the synchronous server, which hands it around inside itself.
         "race:^grpc::Server::SyncRequest::~\n"
         "race:^grpc::internal::InterceptorBatchMethodsImpl::\n"
         // A status that the library let go of on one thread and we on another, who frees it.
         "race:^absl::debian3::Status::Unref\n";
}

}  // extern "C"
