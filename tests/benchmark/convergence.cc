// Measures how long a write accepted by one agent takes to be enforced by another's proxy.
//
//   convergence --socket=A/admin.sock --probe=ADDRESS:PORT --host=NAME --rule=RULE [--writes=200]
//
// Flips the fixed response of RULE between 404 and 500 through the agent behind --socket and calls
// the proxy at --probe over one keep-alive connection, back to back, until it answers with the new
// code. A sample runs from just before the RPC is sent, so it holds the fsync and the answer too.
// Prints one JSON object of milliseconds.
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/log/log.h"
#include "base/net/endpoint.h"
#include "proto/trellis/v1/admin.grpc.pb.h"
#include "tests/benchmark/measuring.h"

namespace trellis::benchmark {
namespace {

constexpr auto kDeadline = std::chrono::seconds(10);

// One keep-alive connection, blocking.
class ProbeConnection {
 public:
  ProbeConnection(const net::Endpoint& endpoint, const std::string& host)
      : request_(absl::StrCat("GET /probe HTTP/1.1\r\nHost: ", host, "\r\n\r\n")) {
    sockaddr_storage address;
    const socklen_t length = endpoint.ToSockaddr(&address);
    fd_ = socket(endpoint.family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK_GE(fd_, 0);
    CHECK_EQ(connect(fd_, reinterpret_cast<sockaddr*>(&address), length), 0)
        << "cannot connect to " << endpoint.ToString();
  }
  ~ProbeConnection() { close(fd_); }

  // The status of one answer, 0 when the connection broke.
  int Ask() {
    if (send(fd_, request_.data(), request_.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(request_.size())) {
      return 0;
    }
    std::string answer;
    char bytes[4096];
    size_t end = std::string::npos;
    while ((end = answer.find("\r\n\r\n")) == std::string::npos) {
      const ssize_t n = recv(fd_, bytes, sizeof(bytes), 0);
      if (n <= 0) return 0;
      answer.append(bytes, n);
    }
    size_t body = 0;
    const std::string head = answer.substr(0, end);
    for (size_t at = 0; at != std::string::npos; at = head.find("\r\n", at + 1)) {
      absl::string_view line = absl::StripLeadingAsciiWhitespace(
          absl::string_view(head).substr(at, head.find("\r\n", at + 1) - at));
      if (absl::StartsWithIgnoreCase(line, "content-length:")) {
        CHECK(absl::SimpleAtoi(line.substr(15), &body));
      }
    }
    while (answer.size() < end + 4 + body) {
      const ssize_t n = recv(fd_, bytes, sizeof(bytes), 0);
      if (n <= 0) return 0;
      answer.append(bytes, n);
    }
    int status = 0;
    return absl::SimpleAtoi(answer.substr(9, 3), &status) ? status : 0;
  }

 private:
  const std::string request_;
  int fd_ = -1;
};

int Run(const Flags& flags) {
  const auto endpoint = net::Endpoint::Parse(flags.Text("probe"));
  CHECK(endpoint.ok()) << endpoint.status();
  auto stub = v1::RuleAdmin::NewStub(DialAdmin(flags.Text("socket")));
  ProbeConnection connection(*endpoint, flags.Text("host"));
  v1::UpdateRuleRequest request;
  {
    grpc::ClientContext context;
    v1::GetRuleRequest get;
    get.set_name(flags.Text("rule"));
    const grpc::Status status = stub->GetRule(&context, get, request.mutable_rule());
    CHECK(status.ok()) << status.error_message();
  }
  Samples accepted, enforced;
  const int writes = flags.Number("writes");
  int64_t probes = 0;
  for (int i = 0; i < writes; ++i) {
    v1::FixedResponseAction* action =
        request.mutable_rule()->mutable_action()->mutable_fixed_response();
    const int wanted = action->status_code() == 404 ? 500 : 404;
    action->set_status_code(wanted);
    const Clock::time_point start = Clock::now();
    {
      grpc::ClientContext context;
      const grpc::Status status = stub->UpdateRule(&context, request, request.mutable_rule());
      CHECK(status.ok()) << status.error_message();
    }
    accepted.Add(MillisBetween(start, Clock::now()));
    int seen = 0;
    do {
      seen = connection.Ask();
      ++probes;
      CHECK_NE(seen, 0) << "the proxy closed the connection";
      CHECK(Clock::now() - start < kDeadline) << "write " << i << " was not enforced in 10 s";
    } while (seen != wanted);
    enforced.Add(MillisBetween(start, Clock::now()));
  }
  std::printf("{\"writes\": %d, \"probes\": %lld, \"accepted_ms\": %s, \"enforced_ms\": %s}\n",
              writes, static_cast<long long>(probes), accepted.ToJson().c_str(),
              enforced.ToJson().c_str());
  return 0;
}

}  // namespace
}  // namespace trellis::benchmark

int main(int argc, char** argv) {
  return trellis::benchmark::Run(trellis::benchmark::Flags(
      argc, argv, {{"socket", ""}, {"probe", ""}, {"host", ""}, {"rule", ""}, {"writes", "200"}}));
}
