// What peers send to hurt: bounded, counted, and ended by a GOAWAY that says so. What busy peers
// send by right passes.
#include <string>

#include "gtest/gtest.h"
#include "node/http/http2/session.h"
#include "node/http/http2/session_testing.h"
#include "tests/support/http2_frames.h"

namespace trellis::http2 {
namespace {

using namespace http2_frames;  // NOLINT(google-build-using-namespace): tests are made of these.

class AbuseTest : public testing::Test {
 protected:
  AbuseTest() : context_(Limits{}), session_(&context_, &recorder_) {
    recorder_.session = &session_;
    Send(ClientPreface() + Settings() + SettingsAck());
  }
  // A peer that reads what we answer.
  void Send(absl::string_view bytes) {
    SendBlindly(bytes);
    out_.clear();
    session_.Produce(1 << 20, &out_);
  }
  void SendBlindly(absl::string_view bytes) { EXPECT_TRUE(session_.Receive(bytes, now_).ok()); }
  // So many times, or until it is over.
  int SendUpTo(int count, absl::string_view bytes) {
    int sent = 0;
    while (sent < count && !session_.finished()) {
      Send(bytes);
      ++sent;
    }
    return sent;
  }
  std::string NextRequest(uint8_t flags) {
    next_ += 2;
    return Headers(next_, flags, RequestFields("POST"));
  }
  void ExpectCalmed() {
    EXPECT_TRUE(session_.finished());
    EXPECT_EQ(session_.error(), ErrorCode::kEnhanceYourCalm);
    EXPECT_EQ(context_.counters().goaways_sent.value(), 1u);
  }

  SessionContext context_;
  ServerRecorder recorder_;
  ServerSession session_;
  absl::Duration now_;
  std::string out_;
  uint32_t next_ = static_cast<uint32_t>(-1);
};

TEST_F(AbuseTest, RapidResetsEndTheConnection) {
  int sent = 0;
  for (; sent < 10000 && !session_.finished(); ++sent) {
    const std::string request = NextRequest(kEndHeaders);
    Send(request + RstStream(next_, 8));
  }
  EXPECT_LE(sent, 1001);
  ExpectCalmed();
  EXPECT_EQ(context_.counters().reset_floods.value(), 1u);
}

TEST_F(AbuseTest, ResetsThatAClientProvokesCountAlike) {
  int sent = 0;
  for (; sent < 10000 && !session_.finished(); ++sent) {
    const std::string request = NextRequest(kEndHeaders);
    Send(request + WindowUpdate(next_, 0x7fffffff));
  }
  EXPECT_LE(sent, 1002);
  ExpectCalmed();
  EXPECT_EQ(context_.counters().reset_floods.value(), 1u);
}

TEST_F(AbuseTest, WhoCancelsOneRequestInTwoIsServed) {
  for (int i = 0; i < 3000; ++i) {
    Send(NextRequest(kEndStream | kEndHeaders));
    session_.SubmitResponse(static_cast<StreamId>(next_), 204, {}, /*end=*/true);
    Send({});
    session_.Produce(1 << 20, &out_);
    const std::string request = NextRequest(kEndHeaders);
    Send(request + RstStream(next_, 8));
  }
  EXPECT_FALSE(session_.finished());
}

TEST_F(AbuseTest, ResetsAreForgivenWithTime) {
  for (int i = 0; i < 5000; ++i) {
    now_ += absl::Milliseconds(20);
    const std::string request = NextRequest(kEndHeaders);
    Send(request + RstStream(next_, 8));
  }
  EXPECT_FALSE(session_.finished());
}

TEST_F(AbuseTest, PingsEndTheConnection) {
  EXPECT_LE(SendUpTo(10000, Ping()), 4097);
  ExpectCalmed();
  EXPECT_EQ(context_.counters().control_floods.value(), 1u);
}

TEST_F(AbuseTest, SettingsEndTheConnection) {
  EXPECT_LE(SendUpTo(10000, Settings({{4, 65535}})), 4097);
  ExpectCalmed();
}

TEST_F(AbuseTest, PrioritiesEndTheConnection) {
  EXPECT_LE(SendUpTo(10000, Priority(9, 0)), 4097);
  ExpectCalmed();
}

TEST_F(AbuseTest, WindowUpdatesEndTheConnection) {
  EXPECT_LE(SendUpTo(10000, WindowUpdate(0, 1)), 4097);
  ExpectCalmed();
}

TEST_F(AbuseTest, UnknownFramesEndTheConnection) {
  EXPECT_LE(SendUpTo(10000, MakeFrame(0x42, 0, 0)), 4097);
  ExpectCalmed();
}

TEST_F(AbuseTest, EmptyDataEndsTheConnection) {
  Send(NextRequest(kEndHeaders));
  EXPECT_LE(SendUpTo(10000, Data(next_, "", false)), 4101);
  ExpectCalmed();
}

TEST_F(AbuseTest, WindowUpdatesThatGoWithABodyPass) {
  Send(NextRequest(kEndStream | kEndHeaders));
  const StreamId id = static_cast<StreamId>(next_);
  session_.SubmitResponse(id, 200, {}, /*end=*/false);
  for (int i = 0; i < 10000; ++i) {
    session_.SendData(id, std::string(100, 'x'), /*end=*/false);
    Send(WindowUpdate(0, 100) + WindowUpdate(next_, 100) + Ping());
  }
  EXPECT_FALSE(session_.finished());
  EXPECT_EQ(recorder_.sent[id], 1000u * 1000);
}

TEST_F(AbuseTest, AnswersThatAreNotReadEndTheConnection) {
  std::string pings;
  for (int i = 0; i < 1100; ++i) pings += Ping();
  SendBlindly(pings);
  Send({});
  ExpectCalmed();
  EXPECT_EQ(context_.counters().queue_floods.value(), 1u);
}

TEST_F(AbuseTest, ManyContinuationsEndTheConnection) {
  std::string bytes = MakeFrame(kHeaders, kEndStream, 1, Hpack(RequestFields("GET")));
  for (int i = 0; i < 9; ++i) bytes += MakeFrame(kContinuation, kNone, 1, Hpack({{"x-a", "1"}}));
  Send(bytes);
  ExpectCalmed();
  EXPECT_EQ(context_.counters().block_floods.value(), 1u);
}

TEST_F(AbuseTest, ALargeBlockEndsTheConnection) {
  const std::string piece = Hpack({{"x-a", std::string(16000, 'x')}});
  std::string bytes = MakeFrame(kHeaders, kEndStream, 1, Hpack(RequestFields("GET")));
  for (int i = 0; i < 5; ++i) bytes += MakeFrame(kContinuation, kNone, 1, piece);
  Send(bytes);
  ExpectCalmed();
  EXPECT_EQ(context_.counters().block_floods.value(), 1u);
}

// A field of 4 KB put into HPACK's table, then named again by a byte each.
TEST_F(AbuseTest, AHeaderBombIsCutOff) {
  std::string block = Hpack(RequestFields("GET"));
  block += '\x40' + HpackString("x-a") + HpackString(std::string(3900, 'x'));
  block += std::string(8000, '\xbe');  // Index 62, the newest.
  Send(MakeFrame(kHeaders, kEndStream | kEndHeaders, 1, block));
  EXPECT_TRUE(recorder_.requests.empty());
  EXPECT_EQ(context_.counters().malformed.value(), 1u);
  const std::vector<Frame> frames = ParseFrames(out_);
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].type, kRstStream);
  EXPECT_EQ(ReadNumber(frames[0].payload), static_cast<uint32_t>(ErrorCode::kEnhanceYourCalm));
  next_ = 1;
  Send(NextRequest(kEndStream | kEndHeaders));  // HPACK's table is as the client has it.
  EXPECT_EQ(recorder_.requests.size(), 1u);
}

TEST_F(AbuseTest, OneStreamTooManyEndsTheConnection) {
  for (int i = 0; i < 128; ++i) Send(NextRequest(kEndHeaders));
  EXPECT_EQ(session_.streams(), 128u);
  EXPECT_FALSE(session_.finished());
  Send(NextRequest(kEndHeaders));
  EXPECT_TRUE(session_.finished());
  EXPECT_EQ(session_.streams(), 128u);
}

TEST_F(AbuseTest, ABodyBeyondTheWindowEndsIt) {
  recorder_.consume = false;
  Send(NextRequest(kEndHeaders));
  for (int i = 0; i < 5; ++i) Send(Data(next_, std::string(16384, 'x'), false));
  EXPECT_LE(recorder_.seen[1].body.size(), 64u * 1024);
  EXPECT_TRUE(recorder_.seen[1].closed);
  EXPECT_EQ(recorder_.seen[1].code, ErrorCode::kFlowControlError);
}

}  // namespace
}  // namespace trellis::http2
