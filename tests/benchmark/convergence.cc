// Measures how long a write accepted by one agent takes to be enforced by another's proxy.
//
//   convergence --socket=A/admin.sock --probe=ADDRESS:PORT --host=NAME --rule=RULE [--writes=200]
//
// Flips the fixed response of RULE between 404 and 500 through the agent behind --socket and calls
// the proxy at --probe over one keep-alive connection, back to back, until it answers with the new
// code. A sample runs from just before the RPC is sent, so it holds the fsync and the answer too.
// Prints one JSON object of milliseconds.
#include <grpcpp/grpcpp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/log/log.h"
#include "base/net/endpoint.h"
#include "proto/trellis/v1/admin.grpc.pb.h"

namespace trellis {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kDeadline = std::chrono::seconds(10);

double MillisSince(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

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

double Percentile(const std::vector<double>& sorted, double p) {
  return sorted[std::min(sorted.size() - 1, static_cast<size_t>(p * sorted.size()))];
}

void PrintSamples(const char* name, std::vector<double> samples, const char* separator) {
  std::sort(samples.begin(), samples.end());
  std::printf("\"%s\": {\"p50\": %.2f, \"p90\": %.2f, \"p99\": %.2f, \"max\": %.2f}%s", name,
              Percentile(samples, 0.50), Percentile(samples, 0.90), Percentile(samples, 0.99),
              samples.back(), separator);
}

int Run(const std::string& socket, const net::Endpoint& probe, const std::string& host,
        const std::string& rule_name, int writes) {
  auto stub = v1::RuleAdmin::NewStub(
      grpc::CreateChannel(absl::StrCat("unix:", socket), grpc::InsecureChannelCredentials()));
  ProbeConnection connection(probe, host);
  v1::UpdateRuleRequest request;
  {
    grpc::ClientContext context;
    v1::GetRuleRequest get;
    get.set_name(rule_name);
    const grpc::Status status = stub->GetRule(&context, get, request.mutable_rule());
    CHECK(status.ok()) << status.error_message();
  }
  std::vector<double> accepted, enforced;
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
    accepted.push_back(MillisSince(start));
    int seen = 0;
    do {
      seen = connection.Ask();
      ++probes;
      CHECK_NE(seen, 0) << "the proxy closed the connection";
      CHECK(Clock::now() - start < kDeadline) << "write " << i << " was not enforced in 10 s";
    } while (seen != wanted);
    enforced.push_back(MillisSince(start));
  }
  std::printf("{\"writes\": %d, \"probes\": %lld, ", writes, static_cast<long long>(probes));
  PrintSamples("accepted_ms", accepted, ", ");
  PrintSamples("enforced_ms", enforced, "}\n");
  return 0;
}

}  // namespace
}  // namespace trellis

int main(int argc, char** argv) {
  std::string socket, probe, host, rule;
  int writes = 200;
  for (int i = 1; i < argc; ++i) {
    absl::string_view argument = argv[i];
    if (absl::ConsumePrefix(&argument, "--socket=")) {
      socket = std::string(argument);
    } else if (absl::ConsumePrefix(&argument, "--probe=")) {
      probe = std::string(argument);
    } else if (absl::ConsumePrefix(&argument, "--host=")) {
      host = std::string(argument);
    } else if (absl::ConsumePrefix(&argument, "--rule=")) {
      rule = std::string(argument);
    } else if (!absl::ConsumePrefix(&argument, "--writes=") ||
               !absl::SimpleAtoi(argument, &writes) || writes < 1) {
      std::fprintf(stderr, "convergence: \"%s\" is not an option; see the source's first lines\n",
                   argv[i]);
      return 2;
    }
  }
  const auto endpoint = trellis::net::Endpoint::Parse(probe);
  if (!endpoint.ok() || socket.empty() || host.empty() || rule.empty()) {
    std::fprintf(stderr, "convergence: --socket, --probe, --host and --rule are required\n");
    return 2;
  }
  return trellis::Run(socket, *endpoint, host, rule, writes);
}
