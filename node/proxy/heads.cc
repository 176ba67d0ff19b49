#include "node/proxy/heads.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace trellis::proxy {
namespace {

enum class RequestField : uint8_t {
  kPass,
  kReplace,       // Ours takes its place, or none does.
  kForwardedFor,  // Ours is appended to it.
};

// `lower` begins `name`, in any case and with "_" for "-": servers that turn names into variables
// (CGI, WSGI) take the two for one, so a forged x_amzn_lattice_identity would pass for ours.
bool StartsWithFolded(absl::string_view name, absl::string_view lower) {
  if (name.size() < lower.size()) return false;
  for (size_t i = 0; i < lower.size(); ++i) {
    const char c = name[i] == '_' ? '-' : absl::ascii_tolower(name[i]);
    if (c != lower[i]) return false;
  }
  return true;
}

bool EqualsFolded(absl::string_view name, absl::string_view lower) {
  return name.size() == lower.size() && StartsWithFolded(name, lower);
}

RequestField Classify(absl::string_view name) {
  // Most names are told apart by their first letter.
  switch (name[0] | 0x20) {
    case 'x':
      if (EqualsFolded(name, "x-forwarded-for")) return RequestField::kForwardedFor;
      if (EqualsFolded(name, "x-forwarded-port") || EqualsFolded(name, "x-forwarded-proto") ||
          EqualsFolded(name, "x-amzn-requestid") || StartsWithFolded(name, "x-amzn-lattice-")) {
        return RequestField::kReplace;
      }
      return RequestField::kPass;
    case 'e':
      // We answer "100 Continue" ourselves, so the target must not.
      return absl::EqualsIgnoreCase(name, "expect") ? RequestField::kReplace : RequestField::kPass;
    default:
      return RequestField::kPass;
  }
}

}  // namespace

void AppendRequestId(const http::RequestHead& request, Random& random, std::string* out) {
  if (const auto id = request.headers.Find("x-amzn-requestid"); id.has_value() && !id->empty()) {
    absl::StrAppend(out, id->substr(0, kRequestIdBytesMax));
    return;
  }
  constexpr char kHex[] = "0123456789abcdef";
  char text[36];
  uint64_t bits = 0;
  for (int i = 0, nibble = 0; i < 36; ++i) {
    if (i == 8 || i == 13 || i == 18 || i == 23) {
      text[i] = '-';
      continue;
    }
    if (nibble++ % 16 == 0) bits = random.Next64();
    text[i] = kHex[bits & 15];
    bits >>= 4;
  }
  text[14] = '4';                          // Version.
  text[19] = "89ab"[random.Next64() & 3];  // Variant.
  out->append(text, sizeof(text));
}

void AppendTargetHead(const http::RequestHead& request, const TargetHeadContext& context,
                      std::string* out) {
  http1::AppendRequestLine(request.method, request.target, out);
  bool forwarded_for = false;
  for (const http::Header& header : request.headers) {
    if (header.hop_by_hop) continue;
    const RequestField field = Classify(header.name);
    if (field == RequestField::kPass) http1::AppendHeader(header.name, header.value, out);
    forwarded_for |= field == RequestField::kForwardedFor;
  }
  out->append("x-forwarded-for: ");
  if (forwarded_for) {
    for (const http::Header& header : request.headers) {
      if (!header.hop_by_hop && !header.value.empty() &&
          Classify(header.name) == RequestField::kForwardedFor) {
        absl::StrAppend(out, header.value, ", ");
      }
    }
  }
  absl::StrAppend(out, context.client_address, "\r\nx-forwarded-port: ", context.port,
                  "\r\nx-forwarded-proto: http\r\n");
  absl::StrAppend(out, "x-amzn-lattice-network: SourceVpcArn=", context.source_vpc_arn,
                  "\r\nx-amzn-lattice-target: ServiceArn=", context.service_arn);
  absl::StrAppend(out, "; ServiceNetworkArn=", context.service_network_arn,
                  "; TargetGroupArn=", context.target_group_arn,
                  "\r\nx-amzn-lattice-identity: Principal=; PrincipalOrgID=; Type=NONE\r\n"
                  "x-amzn-requestid: ");
  absl::StrAppend(out, context.request_id,
                  context.chunked ? "\r\ntransfer-encoding: chunked\r\n\r\n" : "\r\n\r\n");
}

void AppendClientHead(const http1::ResponseHead& response, const ClientHeadContext& context,
                      std::string* out) {
  http1::AppendStatusLine(response.status, response.reason, out);
  for (const http::Header& header : response.headers) {
    if (header.hop_by_hop) continue;
    // Both are ours to say: the id is the request's, the reason tells that the proxy answered.
    if ((header.name[0] | 0x20) == 'x' &&
        (absl::EqualsIgnoreCase(header.name, "x-amzn-requestid") ||
         absl::EqualsIgnoreCase(header.name, "x-trellis-reason"))) {
      continue;
    }
    http1::AppendHeader(header.name, header.value, out);
  }
  http1::AppendHeader("x-amzn-requestid", context.request_id, out);
  if (context.chunked) out->append("transfer-encoding: chunked\r\n");
  if (context.close) {
    out->append("connection: close\r\n");
  } else if (context.announce_keep_alive) {
    out->append("connection: keep-alive\r\n");
  }
  out->append("\r\n");
}

void AppendInterimHead(const http1::ResponseHead& response, std::string* out) {
  http1::AppendStatusLine(response.status, response.reason, out);
  http1::AppendEndToEnd(response.headers, out);
  out->append("\r\n");
}

}  // namespace trellis::proxy
