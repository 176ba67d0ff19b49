#include "node/api/handlers/request_log.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/crypto/digest.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"

namespace trellis::api {
namespace {

std::string KeyOf(absl::string_view caller, absl::string_view request_id) {
  return absl::StrCat(caller, "\n", request_id);
}

// Equal for equal requests only: a digest of the type's name and the message.
std::string DigestOf(const google::protobuf::Message& request) {
  std::string content = absl::StrCat(request.GetTypeName(), "\n");
  google::protobuf::io::StringOutputStream stream(&content);
  {
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    request.SerializeToCodedStream(&coded);
  }
  return crypto::Sha256String(content);
}

}  // namespace

absl::StatusOr<bool> RequestLog::Recall(absl::string_view caller, absl::string_view request_id,
                                        const google::protobuf::Message& request, absl::Time now,
                                        google::protobuf::Message* answer) {
  Forget(now);
  const auto entry = entries_.find(KeyOf(caller, request_id));
  if (entry == entries_.end()) return false;
  if (entry->second.request_digest != DigestOf(request)) {
    return absl::AbortedError(
        absl::StrCat("request_id: \"", request_id,
                     "\" was used for a different request within the last day; give a new one"));
  }
  return answer->ParseFromString(entry->second.answer);
}

void RequestLog::Remember(absl::string_view caller, absl::string_view request_id,
                          const google::protobuf::Message& request, absl::Time now,
                          const google::protobuf::Message& answer) {
  std::string key = KeyOf(caller, request_id);
  Entry entry{DigestOf(request), answer.SerializeAsString()};
  const size_t bytes = entry.answer.size();
  if (bytes > kMaxBytes || !entries_.emplace(key, std::move(entry)).second) return;
  bytes_ += bytes;
  ages_.push_back({now, std::move(key)});
  Forget(now);
}

void RequestLog::Forget(absl::Time now) {
  while (!ages_.empty() && (now - ages_.front().time > kMaxAge || ages_.size() > kMaxRequests ||
                            bytes_ > kMaxBytes)) {
    const auto oldest = entries_.find(ages_.front().key);
    bytes_ -= oldest->second.answer.size();
    entries_.erase(oldest);
    ages_.pop_front();
  }
}

absl::Status CheckRequestId(absl::string_view request_id) {
  if (request_id.size() <= 64 &&
      std::all_of(request_id.begin(), request_id.end(), absl::ascii_isgraph)) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("request_id: \"", absl::CHexEscape(request_id.substr(0, 80)),
                   "\" is not 1 to 64 printable ASCII characters without spaces"));
}

}  // namespace trellis::api
