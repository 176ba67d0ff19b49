// Property: whatever bytes a client sends, the line is one line, valid JSON in valid UTF-8, within
// its bound.
#include <cstdint>
#include <string>

#include "base/log/log.h"
#include "node/telemetry/access_log_record.h"
#include "rapidjson/document.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using trellis::telemetry::AccessLogFormatter;
  using trellis::telemetry::AccessLogRecord;
  const absl::string_view input(reinterpret_cast<const char*>(data), size);
  AccessLogRecord record;
  record.request_path = input;
  record.user_agent = input.substr(size / 2);
  record.host_header = input.substr(0, size / 2);
  record.request_id = input.substr(size / 3);
  std::string line(AccessLogFormatter::BytesMax(record), '\0');
  AccessLogFormatter formatter;
  line.resize(formatter.Write(record, line.data()) - line.data());

  rapidjson::Document document;
  document.Parse<rapidjson::kParseValidateEncodingFlag>(line.c_str(), line.size());
  CHECK(!document.HasParseError() && document.IsObject()) << line;
  CHECK_EQ(line.find('\n'), line.size() - 1);
  return 0;
}
