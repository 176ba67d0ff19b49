// What sanitizers are told from inside every program that is built with them (.bazelrc): no path
// or variable has to reach the programs that tests start.
extern "C" {

const char* __ubsan_default_options() { return "print_stacktrace=1"; }

// Debian's gRPC and Abseil are not instrumented: ThreadSanitizer sees neither their locks nor what
// is handed from one of their threads to another. Only accesses made by their own code, in their
// libraries or inlined from their headers, are left out; ours stay visible also when called by
// them.
const char* __tsan_default_suppressions() {
  return "race_top:^grpc::\n"
         "race_top:^grpc_\n"
         "race_top:^absl::\n"
         "race_top:libgrpc\n"
         "race_top:libgpr\n"
         "race_top:libabsl_\n"
         "race_top:librocksdb\n"
         "race_top:libprotobuf\n"
         "race_top:^google::protobuf::\n";
}

}  // extern "C"
