#include "node/proxy/heads.h"

#include <array>
#include <cstring>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "base/log/log.h"
#include "base/text/put.h"

namespace trellis::proxy {
namespace {

using text::Put;
using text::PutNumber;

// All that is not a value given to us, in the longest head of either kind, with room.
constexpr size_t kOwnTextBytesMax = 512;

// A head being made behind what `out` holds. Sizing the string once by a bound, and cutting it once
// at the end, costs a fraction of appending piece by piece.
class Room {
 public:
  Room(size_t bytes_max, std::string* out) : out_(*out), begin_(out->size()) {
    out_.resize(begin_ + bytes_max);
  }
  char* begin() { return out_.data() + begin_; }
  void CutAt(const char* end) {
    const size_t size = static_cast<size_t>(end - out_.data());
    CHECK_LE(size, out_.size());
    out_.resize(size);
  }

 private:
  std::string& out_;
  const size_t begin_;
};

char* PutHeader(absl::string_view name, absl::string_view value, char* out) {
  return Put("\r\n", Put(value, Put(": ", Put(name, out))));
}

size_t BytesMax(const http::HeaderMap& headers) {
  size_t bytes = 0;
  for (const http::Header& header : headers) {
    bytes += header.name.size() + header.value.size() + sizeof(": \r\n") - 1;
  }
  return bytes;
}

using HexPairs = std::array<char, 512>;
constexpr HexPairs MakeHexPairs() {
  constexpr char kHex[] = "0123456789abcdef";
  HexPairs pairs{};
  for (size_t byte = 0; byte < 256; ++byte) {
    pairs[2 * byte] = kHex[byte >> 4];
    pairs[2 * byte + 1] = kHex[byte & 15];
  }
  return pairs;
}

// The lowest 8 * `bytes` bits.
char* PutHex(uint64_t bits, int bytes, char* out) {
  static constexpr HexPairs kPairs = MakeHexPairs();
  for (int i = bytes; i-- > 0; out += 2) {
    std::memcpy(out, &kPairs[2 * (bits >> (8 * i) & 0xff)], 2);
  }
  return out;
}

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
    const absl::string_view cut = id->substr(0, kRequestIdBytesMax);
    out->append(cut.data(), cut.size());
    return;
  }
  AppendNewRequestId(random, out);
}

void AppendNewRequestId(Random& random, std::string* out) {
  const uint64_t high = (random.Next64() & ~uint64_t{0xf000}) | 0x4000;               // Version 4.
  const uint64_t low = (random.Next64() & ~uint64_t{0} >> 2) | uint64_t{0b10} << 62;  // Variant.
  char uuid[36];
  char* end = PutHex(high >> 32, 4, uuid);
  end = PutHex(high >> 16, 2, Put("-", end));
  end = PutHex(high, 2, Put("-", end));
  end = PutHex(low >> 48, 2, Put("-", end));
  PutHex(low, 6, Put("-", end));
  out->append(uuid, sizeof(uuid));
}

void AppendTargetHead(const http::RequestHead& request, const TargetHeadContext& context,
                      std::string* out) {
  Room room(request.method.size() + request.target.size() + BytesMax(request.headers) +
                context.client_address.size() + context.source_vpc_arn.size() +
                context.service_arn.size() + context.service_network_arn.size() +
                context.target_group_arn.size() + context.request_id.size() + kOwnTextBytesMax,
            out);
  char* end = Put(request.method, room.begin());
  end = Put(" HTTP/1.1\r\n", Put(request.target, Put(" ", end)));
  bool forwarded_for = false;
  for (const http::Header& header : request.headers) {
    if (header.hop_by_hop) continue;
    const RequestField field = Classify(header.name);
    if (field == RequestField::kPass) end = PutHeader(header.name, header.value, end);
    forwarded_for |= field == RequestField::kForwardedFor;
  }
  end = Put("x-forwarded-for: ", end);
  if (forwarded_for) {
    for (const http::Header& header : request.headers) {
      if (!header.hop_by_hop && !header.value.empty() &&
          Classify(header.name) == RequestField::kForwardedFor) {
        end = Put(", ", Put(header.value, end));
      }
    }
  }
  end = Put(context.client_address, end);
  end = PutNumber(context.port, Put("\r\nx-forwarded-port: ", end));
  end = Put(context.tls ? "\r\nx-forwarded-proto: https" : "\r\nx-forwarded-proto: http", end);
  end = Put("\r\nx-amzn-lattice-network: SourceVpcArn=", end);
  end = Put(context.source_vpc_arn, end);
  end = Put(context.service_arn, Put("\r\nx-amzn-lattice-target: ServiceArn=", end));
  end = Put(context.service_network_arn, Put("; ServiceNetworkArn=", end));
  end = Put(context.target_group_arn, Put("; TargetGroupArn=", end));
  end = Put("\r\nx-amzn-lattice-identity: Principal=; PrincipalOrgID=; Type=NONE\r\n", end);
  end = PutHeader("x-amzn-requestid", context.request_id, end);
  if (context.chunked) end = Put("transfer-encoding: chunked\r\n", end);
  room.CutAt(Put("\r\n", end));
}

bool IsOursToSay(absl::string_view response_field) {
  return (response_field[0] | 0x20) == 'x' &&
         (absl::EqualsIgnoreCase(response_field, "x-amzn-requestid") ||
          absl::EqualsIgnoreCase(response_field, "x-trellis-reason"));
}

void AppendClientHead(const http1::ResponseHead& response, const ClientHeadContext& context,
                      std::string* out) {
  Room room(response.reason.size() + BytesMax(response.headers) + context.request_id.size() +
                kOwnTextBytesMax,
            out);
  char* end = PutNumber(response.status, Put("HTTP/1.1 ", room.begin()));
  end = Put("\r\n", Put(response.reason, Put(" ", end)));
  for (const http::Header& header : response.headers) {
    if (header.hop_by_hop) continue;
    if (IsOursToSay(header.name)) continue;
    end = PutHeader(header.name, header.value, end);
  }
  end = PutHeader("x-amzn-requestid", context.request_id, end);
  if (context.chunked) end = Put("transfer-encoding: chunked\r\n", end);
  if (context.close) {
    end = Put("connection: close\r\n", end);
  } else if (context.announce_keep_alive) {
    end = Put("connection: keep-alive\r\n", end);
  }
  room.CutAt(Put("\r\n", end));
}

void AppendInterimHead(const http1::ResponseHead& response, std::string* out) {
  http1::AppendStatusLine(response.status, response.reason, out);
  http1::AppendEndToEnd(response.headers, out);
  out->append("\r\n");
}

}  // namespace trellis::proxy
