#include "node/proxy/answers.h"

#include <set>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "node/http/http1/codec.h"

namespace trellis::proxy {
namespace {

std::string Text(const AnswerHead& answer) {
  std::string out;
  AppendAnswer(answer, &out);
  return out;
}

TEST(AnswersTest, EachOfOurOwnHasAStatusAndAnUnmistakableName) {
  std::set<absl::string_view> names;
  for (size_t i = 0; i < kReasons; ++i) {
    const auto reason = static_cast<Reason>(i);
    const Answer& answer = AnswerFor(reason);
    if (reason == Reason::kNone) {
      EXPECT_TRUE(answer.name.empty());
      continue;
    }
    EXPECT_TRUE(names.insert(answer.name).second) << answer.name;
    if (reason == Reason::kFixedResponse) continue;  // Its rule says the status.
    EXPECT_GE(answer.status, 400) << answer.name;
    EXPECT_FALSE(answer.body.empty()) << answer.name;
    EXPECT_NE(http1::ReasonPhrase(answer.status), "Unknown") << answer.name;
  }
}

TEST(AnswersTest, NothingFailedWhenTheConfigurationSaysNo) {
  for (const Reason reason : {Reason::kFixedResponse, Reason::kUnknownHost, Reason::kNoListener}) {
    EXPECT_EQ(AnswerFor(reason).failure_reason, "");
  }
  for (size_t i = 0; i < kReasons; ++i) {
    const Answer& answer = AnswerFor(static_cast<Reason>(i));
    if (answer.status >= 500) {
      EXPECT_NE(answer.failure_reason, "") << answer.name;
    }
  }
}

TEST(AnswersTest, SaysWhatIsWrongToProgramsAndToPeople) {
  EXPECT_EQ(Text({.status = 503, .reason = Reason::kNoTarget, .request_id = "id-1"}),
            "HTTP/1.1 503 Service Unavailable\r\n"
            "content-type: text/plain\r\n"
            "content-length: 32\r\n"
            "x-amzn-requestid: id-1\r\n"
            "x-trellis-reason: no_target\r\n"
            "\r\n"
            "the target group has no targets\n");
}

TEST(AnswersTest, AFixedResponseHasItsStatusForABody) {
  EXPECT_EQ(Text({.status = 404, .reason = Reason::kFixedResponse, .with_reason = false}),
            "HTTP/1.1 404 Not Found\r\ncontent-type: text/plain\r\ncontent-length: 10\r\n\r\n"
            "Not Found\n");
}

TEST(AnswersTest, LengthCountsTheDetail) {
  const std::string text =
      Text({.status = 400, .reason = Reason::kBadRequest, .detail = "header_name"});
  EXPECT_TRUE(absl::EndsWith(text, "\r\n\r\nmalformed request: header_name\n")) << text;
  EXPECT_TRUE(absl::StrContains(text, "content-length: 31\r\n")) << text;
}

TEST(AnswersTest, ToHeadIsAllButTheBody) {
  AnswerHead answer = {.status = 504, .reason = Reason::kTargetTimeout};
  const std::string whole = Text(answer);
  answer.to_head = true;
  const std::string head = Text(answer);
  EXPECT_TRUE(absl::EndsWith(head, "\r\n\r\n"));
  EXPECT_TRUE(absl::StartsWith(whole, head));
}

TEST(AnswersTest, SaysHowTheConnectionGoesOn) {
  AnswerHead answer = {.status = 400, .reason = Reason::kBadRequest};
  EXPECT_FALSE(absl::StrContains(Text(answer), "connection:"));
  answer.announce_keep_alive = true;
  EXPECT_TRUE(absl::StrContains(Text(answer), "\r\nconnection: keep-alive\r\n"));
  answer.close = true;  // Wins.
  EXPECT_TRUE(absl::StrContains(Text(answer), "\r\nconnection: close\r\n"));
  EXPECT_FALSE(absl::StrContains(Text(answer), "keep-alive"));
}

}  // namespace
}  // namespace trellis::proxy
