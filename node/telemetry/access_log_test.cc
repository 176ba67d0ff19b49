#include "node/telemetry/access_log.h"

#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "base/runtime/sim_scheduler.h"
#include "gtest/gtest.h"
#include "rapidjson/document.h"

namespace trellis::telemetry {
namespace {

std::string Line(const AccessLogRecord& record) {
  AccessLogFormatter formatter;
  std::string out(AccessLogFormatter::BytesMax(record), '\0');
  out.resize(formatter.Write(record, out.data()) - out.data());
  return out;
}

rapidjson::Document Parse(const std::string& line) {
  rapidjson::Document document;
  document.Parse<rapidjson::kParseValidateEncodingFlag>(line.c_str(), line.size());
  EXPECT_FALSE(document.HasParseError()) << line;
  return document;
}

TEST(AccessLogRecordTest, HasTheReferencesFieldsInItsOrder) {
  AccessLogRecord record;
  record.service_arn = "arn:aws:vpc-lattice:us-west-2:111122223333:service/svc-0";
  record.request_method = "GET";
  record.request_path = "/billing";
  record.host_header = "billing.example.com";
  record.start_unix_seconds = 1690577325;
  record.response_code = 200;
  record.bytes_received = 42;
  record.bytes_sent = 18446744073709551615u;
  record.duration_ms = 375;
  record.request_id = "a9f2c7a1";
  EXPECT_EQ(
      Line(record),
      R"({"serviceNetworkArn":"-","resolvedUser":"-","authDeniedReason":"-","requestMethod":"GET",)"
      R"("targetGroupArn":"-","tlsVersion":"-","sslCipher":"-","userAgent":"-",)"
      R"("serverNameIndication":"-","hostHeader":"billing.example.com","destinationVpcId":"-",)"
      R"("sourceVpcId":"-","sourceVpcArn":"-","sourceIpPort":"-","targetIpPort":"-",)"
      R"("serviceArn":"arn:aws:vpc-lattice:us-west-2:111122223333:service/svc-0",)"
      R"("requestPath":"/billing","startTime":"2023-07-28T20:48:45Z","protocol":"-",)"
      R"("responseCode":200,"bytesReceived":42,"bytesSent":18446744073709551615,"duration":375,)"
      R"("requestToTargetDuration":0,"responseFromTargetDuration":0,"grpcResponseCode":0,)"
      R"("failureReason":"-","callerPrincipal":"-","requestId":"a9f2c7a1"})"
      "\n");
}

TEST(AccessLogRecordTest, OwnAnswersCarryTheReason) {
  AccessLogRecord record;
  record.trellis_reason = "no_target";
  EXPECT_STREQ(Parse(Line(record))["trellisReason"].GetString(), "no_target");
}

TEST(AccessLogRecordTest, LongestValuesStayWithinTheBoundAndParse) {
  const std::string controls(100'000, '\x01');
  AccessLogRecord record;
  record.request_path = record.user_agent = record.host_header = record.request_id = controls;
  record.request_method = record.service_arn = record.target_group_arn = controls;
  const std::string line = Line(record);
  EXPECT_LE(line.size(), AccessLogFormatter::BytesMax(record));
  EXPECT_EQ(Parse(line)["requestPath"].GetStringLength(), kLoggedPathBytesMax);
}

TEST(AccessLogRecordTest, TimeFollowsTheSecond) {
  AccessLogFormatter formatter;
  AccessLogRecord record;
  std::string out(AccessLogFormatter::BytesMax(record), '\0');
  for (const auto& [seconds, text] : std::vector<std::pair<int64_t, const char*>>{
           {0, "1970-01-01T00:00:00Z"}, {1, "1970-01-01T00:00:01Z"}, {1, "1970-01-01T00:00:01Z"}}) {
    record.start_unix_seconds = seconds;
    const std::string line(out.data(), formatter.Write(record, out.data()));
    EXPECT_STREQ(Parse(line)["startTime"].GetString(), text);
  }
}

class AccessLogTest : public testing::Test {
 protected:
  AccessLogTest() { path_ = testing::TempDir() + "/access_log_test." + std::to_string(++count_); }
  ~AccessLogTest() override { ::unlink(path_.c_str()); }

  std::unique_ptr<AccessLog> Open(size_t queued_buffers_max = 64) {
    auto log = AccessLog::Open({.path = path_, .queued_buffers_max = queued_buffers_max});
    EXPECT_TRUE(log.ok()) << log.status();
    return *std::move(log);
  }
  static std::vector<std::string> Lines(const std::string& path) {
    std::ifstream file(path);
    std::vector<std::string> lines;
    for (std::string line; std::getline(file, line);) lines.push_back(line);
    return lines;
  }

  static inline int count_ = 0;
  std::string path_;
  SimScheduler scheduler_;
  AccessLogRecord record_;
};

TEST_F(AccessLogTest, LinesOfAllWorkersReachTheFileWithinASecond) {
  auto log = Open();
  AccessLogBuffer first(log.get(), scheduler_);
  AccessLogBuffer second(log.get(), scheduler_);
  first.Append(record_);
  second.Append(record_);
  scheduler_.RunFor(AccessLogBuffer::kFlushAfter);
  log->Drain();
  EXPECT_EQ(Lines(path_).size(), 2u);
  EXPECT_EQ(log->lines_written(), 2u);
}

TEST_F(AccessLogTest, ManyLinesAreAllWrittenWholeByTheEnd) {
  constexpr int kLines = 5000;  // Some dozens of buffers.
  {
    auto log = Open();
    AccessLogBuffer buffer(log.get(), scheduler_);
    for (int i = 0; i < kLines; ++i) {
      record_.bytes_sent = i;
      buffer.Append(record_);
      if (i % 500 == 0) log->Drain();  // The file keeps up, so nothing may be dropped.
    }
  }
  const std::vector<std::string> lines = Lines(path_);
  ASSERT_EQ(lines.size(), kLines);
  for (int i = 0; i < kLines; ++i) EXPECT_EQ(Parse(lines[i])["bytesSent"].GetInt(), i);
}

TEST_F(AccessLogTest, FullQueueDropsLinesAndCountsThem) {
  auto log = Open(/*queued_buffers_max=*/0);
  AccessLogBuffer buffer(log.get(), scheduler_);
  buffer.Append(record_);
  buffer.Append(record_);
  buffer.Flush();
  log->Drain();
  EXPECT_EQ(log->lines_dropped(), 2u);
  EXPECT_TRUE(Lines(path_).empty());
}

TEST_F(AccessLogTest, ReopenGoesOnInANewFileAfterRotation) {
  auto log = Open();
  AccessLogBuffer buffer(log.get(), scheduler_);
  buffer.Append(record_);
  buffer.Flush();
  log->Drain();
  const std::string rotated = path_ + ".1";
  ASSERT_EQ(::rename(path_.c_str(), rotated.c_str()), 0);
  log->Reopen();
  buffer.Append(record_);
  buffer.Flush();
  log->Drain();
  EXPECT_EQ(Lines(rotated).size(), 1u);
  EXPECT_EQ(Lines(path_).size(), 1u);
  ::unlink(rotated.c_str());
}

TEST_F(AccessLogTest, FileThatCannotBeOpenedIsNamed) {
  const absl::Status status = AccessLog::Open({.path = "/nonexistent/a.log"}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_NE(status.message().find("/nonexistent/a.log"), absl::string_view::npos);
}

TEST_F(AccessLogTest, WithoutALogLinesGoNowhere) {
  AccessLogBuffer buffer(nullptr, scheduler_);
  buffer.Append(record_);
  buffer.Flush();
}

}  // namespace
}  // namespace trellis::telemetry
