// Creates service networks one after another through an admin socket and prints the name of each as
// soon as the agent has acknowledged it: what a kill in the middle must not lose.
//
//   writer SOCKET PREFIX COUNT     exits 0 when all were acknowledged, 1 when the agent went away
#include <grpcpp/grpcpp.h>

#include <cstdio>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "proto/trellis/v1/admin.grpc.pb.h"

int main(int argc, char** argv) {
  int count = 0;
  if (argc != 4 || !absl::SimpleAtoi(argv[3], &count)) {
    std::fprintf(stderr, "usage: writer SOCKET PREFIX COUNT\n");
    return 2;
  }
  auto stub = trellis::v1::ServiceNetworkAdmin::NewStub(
      grpc::CreateChannel(absl::StrCat("unix:", argv[1]), grpc::InsecureChannelCredentials()));
  for (int i = 0; i < count; ++i) {
    trellis::v1::CreateServiceNetworkRequest request;
    request.mutable_service_network()->set_display_name(absl::StrCat(argv[2], "-", i));
    trellis::v1::ServiceNetwork created;
    grpc::ClientContext context;
    const grpc::Status status = stub->CreateServiceNetwork(&context, request, &created);
    if (!status.ok()) {
      std::fprintf(stderr, "%s\n", status.error_message().c_str());
      return 1;
    }
    std::printf("%s\n", created.display_name().c_str());
    std::fflush(stdout);
  }
  return 0;
}
