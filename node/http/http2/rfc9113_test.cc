// What RFC 9113 says of frames and heads, with the bytes and the verdict. Where it lets a receiver
// choose between a stream and the connection, the verdict is the choice made here.
#include <ostream>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "node/http/http2/session.h"
#include "node/http/http2/session_testing.h"
#include "tests/support/http2_frames.h"

namespace trellis::http2 {
namespace {

using namespace http2_frames;  // NOLINT(google-build-using-namespace): rows are made of these.

constexpr uint8_t kWhole = kEndStream | kEndHeaders;

// What becomes of a connection: nothing, its first stream is reset, or all of it ends.
struct Verdict {
  enum class Kind { kAccepted, kRefused, kStream, kConnection, kNotHttp2 };
  Kind kind = Kind::kAccepted;
  ErrorCode code = ErrorCode::kNoError;

  bool operator==(const Verdict& other) const { return kind == other.kind && code == other.code; }
};
std::ostream& operator<<(std::ostream& out, const Verdict& verdict) {
  static constexpr const char* kKinds[] = {"accepted", "refused", "stream", "connection",
                                           "not HTTP/2"};
  return out << kKinds[static_cast<int>(verdict.kind)] << " " << ErrorCodeName(verdict.code);
}

constexpr Verdict kOk = {};
constexpr Verdict kToAnswer = {Verdict::Kind::kRefused};
constexpr Verdict kNotHttp2 = {Verdict::Kind::kNotHttp2};
constexpr Verdict Stream(ErrorCode code) { return {Verdict::Kind::kStream, code}; }
constexpr Verdict Connection(ErrorCode code) { return {Verdict::Kind::kConnection, code}; }
constexpr ErrorCode kProtocol = ErrorCode::kProtocolError;
constexpr ErrorCode kFlow = ErrorCode::kFlowControlError;
constexpr ErrorCode kSize = ErrorCode::kFrameSizeError;
constexpr ErrorCode kCompression = ErrorCode::kCompressionError;
constexpr ErrorCode kOver = ErrorCode::kStreamClosed;

struct Case {
  const char* name;
  std::string bytes;
  Verdict verdict;
};
std::ostream& operator<<(std::ostream& out, const Case& row) { return out << row.name; }

std::string CaseName(const testing::TestParamInfo<Case>& info) { return info.param.name; }

// Feeds `bytes` in pieces of `step` and reads the verdict off what the session sends.
Verdict Judge(Session& session, absl::string_view bytes, size_t step) {
  std::string out;
  for (; !bytes.empty(); bytes.remove_prefix(std::min(step, bytes.size()))) {
    if (!session.Receive(bytes.substr(0, step), absl::ZeroDuration()).ok()) return kNotHttp2;
    session.Produce(1 << 20, &out);
  }
  Verdict verdict;
  for (const Frame& frame : ParseFrames(out)) {
    const auto code = [&frame](size_t at) {
      return static_cast<ErrorCode>(ReadNumber(frame.payload.substr(at, 4)));
    };
    if (frame.type == kGoaway) return Connection(code(4));
    if (frame.type == kRstStream && verdict == kOk) verdict = Stream(code(0));
  }
  return verdict;
}

std::string Opening() { return ClientPreface() + Settings() + SettingsAck(); }
std::string Get(uint32_t stream, const Fields& more = {}) {
  return Headers(stream, kWhole, RequestFields("GET", more));
}
std::string Post(uint32_t stream, const Fields& more = {}) {
  return Headers(stream, kEndHeaders, RequestFields("POST", more));
}
std::string Request(const Fields& fields) { return Headers(1, kWhole, fields); }

// A request's fields with one put in another's place, or left out.
std::string With(absl::string_view name, absl::string_view value) {
  Fields fields = RequestFields("GET");
  for (auto& field : fields) {
    if (field.first == name) field.second = std::string(value);
  }
  return Request(fields);
}
std::string Without(absl::string_view name) {
  Fields fields;
  for (const auto& field : RequestFields("GET")) {
    if (field.first != name) fields.push_back(field);
  }
  return Request(fields);
}

class ServerTest : public testing::TestWithParam<Case> {
 protected:
  static Verdict JudgeIn(size_t step) {
    SessionContext context{Limits{}};
    ServerRecorder recorder;
    ServerSession session(&context, &recorder);
    recorder.session = &session;
    const Verdict verdict = Judge(session, Opening() + GetParam().bytes, step);
    EXPECT_EQ(session.error(),
              verdict.kind == Verdict::Kind::kConnection ? verdict.code : ErrorCode::kNoError);
    if (verdict.kind == Verdict::Kind::kStream) EXPECT_FALSE(session.finished());
    const bool refused = recorder.seen[1].refused != http1::Error::kNone;
    return verdict == kOk && refused ? kToAnswer : verdict;
  }
};

TEST_P(ServerTest, GetsItsVerdictAtOnce) { EXPECT_EQ(JudgeIn(1 << 20), GetParam().verdict); }
TEST_P(ServerTest, GetsItsVerdictByteByByte) { EXPECT_EQ(JudgeIn(1), GetParam().verdict); }

INSTANTIATE_TEST_SUITE_P(
    Section4Frames, ServerTest,
    testing::ValuesIn(std::vector<Case>{
        {"UnknownTypeIsIgnored", MakeFrame(0x42, 0xff, 0, "anything") + Get(1), kOk},
        {"UnknownFlagsAreIgnored", MakeFrame(kPing, 0xfe, 0, "12345678"), kOk},
        {"ReservedBitOfStreamIsIgnored",
         MakeFrame(kHeaders, kWhole, 0x80000001, Hpack(RequestFields("GET"))), kOk},
        {"FrameOver16384", FrameOfLength(16385, kData, kNone, 1, ""), Connection(kSize)},
        {"DataOf16384", Post(1) + Data(1, std::string(16384, 'x'), true), kOk},
        {"HpackBadIndex", MakeFrame(kHeaders, kWhole, 1, "\xff\xff\xff\x7f"),
         Connection(kCompression)},
        {"HpackTruncated", MakeFrame(kHeaders, kWhole, 1, absl::string_view("\0\x05:me", 5)),
         Connection(kCompression)},
        {"HpackTableOverItsBound", MakeFrame(kHeaders, kWhole, 1, "\x3f\xe2\x1f"),
         Connection(kCompression)},
        {"HeadersThenOtherFrame",
         MakeFrame(kHeaders, kEndStream, 1, Hpack(RequestFields("GET"))) + Ping(),
         Connection(kProtocol)},
        {"HeadersThenUnknownFrame",
         MakeFrame(kHeaders, kEndStream, 1, Hpack(RequestFields("GET"))) + MakeFrame(0x42, 0, 1),
         Connection(kProtocol)},
        {"HeadersThenOthersContinuation",
         MakeFrame(kHeaders, kEndStream, 1, Hpack(RequestFields("GET"))) +
             MakeFrame(kContinuation, kEndHeaders, 3),
         Connection(kProtocol)},
        {"HeadersThenHeaders",
         MakeFrame(kHeaders, kEndStream, 1, Hpack(RequestFields("GET"))) + Get(3),
         Connection(kProtocol)},
    }),
    CaseName);

INSTANTIATE_TEST_SUITE_P(
    Section5Streams, ServerTest,
    testing::ValuesIn(std::vector<Case>{
        {"DataOnIdle", Data(1, "x", true), Connection(kProtocol)},
        {"RstOnIdle", RstStream(1, 8), Connection(kProtocol)},
        {"WindowUpdateOnIdle", WindowUpdate(1, 100), Connection(kProtocol)},
        {"PriorityOnIdle", Priority(3, 0) + Get(1), kOk},
        {"DataAfterEndStream", Get(1) + Data(1, "x", true), Connection(kOver)},
        {"HeadersAfterEndStream", Get(1) + Get(1), Connection(kOver)},
        {"WindowUpdateAfterEndStream", Get(1) + WindowUpdate(1, 100), kOk},
        {"PriorityAfterEndStream", Get(1) + Priority(1, 0), kOk},
        {"DataAfterRst", Post(1) + RstStream(1, 8) + Data(1, "x", true), Connection(kOver)},
        {"HeadersAfterRst", Post(1) + RstStream(1, 8) + Get(1), Connection(kOver)},
        {"RstAfterRst", Post(1) + RstStream(1, 8) + RstStream(1, 8), kOk},
        {"WindowUpdateAfterRst", Post(1) + RstStream(1, 8) + WindowUpdate(1, 100), kOk},
        {"EvenStream", Get(2), Connection(kProtocol)},
        {"StreamZero", Get(0), Connection(kProtocol)},
        {"LowerStreamThatWasSkipped", Get(5) + Get(3), Connection(kProtocol)},
        {"HigherStreamsMaySkip", Get(1) + Get(7) + Get(2147483647), kOk},
        {"DependsOnItself", Priority(1, 1), Connection(kProtocol)},
        {"HeadersDependOnThemselves",
         MakeFrame(kHeaders, kWhole | kHasPriority, 1,
                   Number(1, 4) + Number(15, 1) + Hpack(RequestFields("GET"))),
         Connection(kProtocol)},
        {"HeadersWithPriority",
         MakeFrame(kHeaders, kWhole | kHasPriority, 1,
                   Number(0, 4) + Number(15, 1) + Hpack(RequestFields("GET"))),
         kOk},
    }),
    CaseName);

INSTANTIATE_TEST_SUITE_P(
    Section6Frames, ServerTest,
    testing::ValuesIn(std::vector<Case>{
        {"DataOnStreamZero", Data(0, "x", true), Connection(kProtocol)},
        {"DataPadded",
         Post(1) + MakeFrame(kData, kPadded | kEndStream, 1, std::string("\x02x\0\0", 4)), kOk},
        {"DataAllPadding",
         Post(1) + MakeFrame(kData, kPadded | kEndStream, 1, std::string("\x02\0\0", 3)), kOk},
        {"DataPaddingTooLong", Post(1) + MakeFrame(kData, kPadded | kEndStream, 1, "\x05xx"),
         Connection(kProtocol)},
        {"DataPaddedAndEmpty", Post(1) + MakeFrame(kData, kPadded | kEndStream, 1),
         Connection(kProtocol)},
        {"HeadersPadded",
         MakeFrame(kHeaders, kWhole | kPadded, 1,
                   "\x02" + Hpack(RequestFields("GET")) + std::string(2, '\0')),
         kOk},
        {"HeadersPaddingTooLong",
         MakeFrame(kHeaders, kWhole | kPadded, 1, "\xff" + Hpack(RequestFields("GET"))),
         Connection(kProtocol)},
        {"HeadersTooShortForPriority", MakeFrame(kHeaders, kWhole | kHasPriority, 1, "1234"),
         Connection(kSize)},
        {"PriorityOnStreamZero", Priority(0, 1), Connection(kProtocol)},
        {"PriorityOfFourBytes", MakeFrame(kPriority, kNone, 1, "1234"), Connection(kSize)},
        {"RstOnStreamZero", RstStream(0, 8), Connection(kProtocol)},
        {"RstOfThreeBytes", Post(1) + MakeFrame(kRstStream, kNone, 1, "123"), Connection(kSize)},
        {"RstWithUnknownCode", Post(1) + RstStream(1, 0x1234), kOk},
        {"SettingsAckWithPayload", MakeFrame(kSettings, kAck, 0, "123456"), Connection(kSize)},
        {"SettingsOnStream", MakeFrame(kSettings, kNone, 1), Connection(kProtocol)},
        {"SettingsOfFiveBytes", MakeFrame(kSettings, kNone, 0, "12345"), Connection(kSize)},
        {"SettingsUnknown", Settings({{0x99, 7}}), kOk},
        {"SettingsPushIsTwo", Settings({{2, 2}}), Connection(kProtocol)},
        {"SettingsWindowOver31Bits", Settings({{4, 0x80000000}}), Connection(kFlow)},
        {"SettingsWindowOf31Bits", Settings({{4, 0x7fffffff}}), kOk},
        {"SettingsFrameSizeTooSmall", Settings({{5, 16383}}), Connection(kProtocol)},
        {"SettingsFrameSizeTooLarge", Settings({{5, 16777216}}), Connection(kProtocol)},
        {"SettingsFrameSizeLargest", Settings({{5, 16777215}}), kOk},
        {"SettingsNoPrioritiesIsTwo", Settings({{9, 2}}), Connection(kProtocol)},
        {"PushPromiseFromClient", Post(1) + MakeFrame(kPushPromise, kEndHeaders, 1, Number(2, 4)),
         Connection(kProtocol)},
        {"PingAckUnasked", MakeFrame(kPing, kAck, 0, "12345678"), kOk},
        {"PingOnStream", MakeFrame(kPing, kNone, 1, "12345678"), Connection(kProtocol)},
        {"PingOfSevenBytes", MakeFrame(kPing, kNone, 0, "1234567"), Connection(kSize)},
        {"GoawayOnStream", MakeFrame(kGoaway, kNone, 1, std::string(8, '\0')),
         Connection(kProtocol)},
        {"GoawayOfSevenBytes", MakeFrame(kGoaway, kNone, 0, std::string(7, '\0')),
         Connection(kSize)},
        {"WindowUpdateOfZeroOnConnection", WindowUpdate(0, 0), Connection(kProtocol)},
        {"WindowUpdateOfZeroOnStream", Post(1) + WindowUpdate(1, 0), Connection(kProtocol)},
        {"WindowUpdateOfThreeBytes", MakeFrame(kWindowUpdate, kNone, 0, "123"), Connection(kSize)},
        {"WindowOverflowOnConnection", WindowUpdate(0, 0x7fffffff), Connection(kFlow)},
        {"WindowOverflowOnStream", Post(1) + WindowUpdate(1, 0x7fffffff), Stream(kFlow)},
        {"ContinuationAlone", MakeFrame(kContinuation, kEndHeaders, 1), Connection(kProtocol)},
        {"ContinuationAfterEndHeaders", Get(1) + MakeFrame(kContinuation, kEndHeaders, 1),
         Connection(kProtocol)},
        {"ContinuationOnStreamZero",
         MakeFrame(kHeaders, kEndStream, 1, Hpack(RequestFields("GET"))) +
             MakeFrame(kContinuation, kEndHeaders, 0),
         Connection(kProtocol)},
        {"Continuations",
         [] {
           const std::string block = Hpack(RequestFields("GET"));
           return MakeFrame(kHeaders, kEndStream, 1, block.substr(0, 7)) +
                  MakeFrame(kContinuation, kNone, 1, block.substr(7, 20)) +
                  MakeFrame(kContinuation, kEndHeaders, 1, block.substr(27));
         }(),
         kOk},
    }),
    CaseName);

INSTANTIATE_TEST_SUITE_P(
    Section8Heads, ServerTest,
    testing::ValuesIn(std::vector<Case>{
        {"Plain", Get(1), kOk},
        {"UppercaseName", Get(1, {{"X-a", "1"}}), Stream(kProtocol)},
        {"EmptyName", Get(1, {{"", "1"}}), Stream(kProtocol)},
        {"SpaceInName", Get(1, {{"x a", "1"}}), Stream(kProtocol)},
        {"ColonInName", Get(1, {{"x:a", "1"}}), Stream(kProtocol)},
        {"LineFeedInValue", Get(1, {{"x-a", "1\nx-b: 2"}}), Stream(kProtocol)},
        {"CarriageReturnInValue", Get(1, {{"x-a", "1\rx"}}), Stream(kProtocol)},
        {"NulInValue", Get(1, {{"x-a", std::string("1\0x", 3)}}), Stream(kProtocol)},
        {"SpaceBeforeValue", Get(1, {{"x-a", " 1"}}), Stream(kProtocol)},
        {"SpaceAfterValue", Get(1, {{"x-a", "1 "}}), Stream(kProtocol)},
        {"EmptyValue", Get(1, {{"x-a", ""}}), kOk},
        {"Connection", Get(1, {{"connection", "close"}}), Stream(kProtocol)},
        {"KeepAlive", Get(1, {{"keep-alive", "timeout=5"}}), Stream(kProtocol)},
        {"ProxyConnection", Get(1, {{"proxy-connection", "close"}}), Stream(kProtocol)},
        {"TransferEncoding", Get(1, {{"transfer-encoding", "chunked"}}), Stream(kProtocol)},
        {"Upgrade", Get(1, {{"upgrade", "websocket"}}), Stream(kProtocol)},
        {"TeTrailers", Get(1, {{"te", "trailers"}}), kOk},
        {"TeGzip", Get(1, {{"te", "gzip"}}), Stream(kProtocol)},
        {"TeTrailersAndGzip", Get(1, {{"te", "trailers, gzip"}}), Stream(kProtocol)},
        {"LookAlikeOfFraming", Get(1, {{"content_length", "5"}}), Stream(kProtocol)},
        {"UnknownPseudo", Get(1, {{":x", "1"}}), Stream(kProtocol)},
        {"StatusInRequest", Get(1, {{":status", "200"}}), Stream(kProtocol)},
        {"ProtocolInRequest", Get(1, {{":protocol", "websocket"}}), Stream(kProtocol)},
        {"PseudoAfterField", Get(1, {{"x-a", "1"}, {":path", "/"}}), Stream(kProtocol)},
        {"MethodTwice", Get(1, {{":method", "GET"}}), Stream(kProtocol)},
        {"PathTwice", Get(1, {{":path", "/"}}), Stream(kProtocol)},
        {"NoMethod", Without(":method"), Stream(kProtocol)},
        {"NoScheme", Without(":scheme"), Stream(kProtocol)},
        {"NoPath", Without(":path"), Stream(kProtocol)},
        {"NoAuthority", Without(":authority"), Stream(kProtocol)},
        {"HostForAuthority",
         Request({{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {"host", "a.example"}}),
         kOk},
        {"HostEqualToAuthority", Get(1, {{"host", "SHOP.example"}}), kOk},
        {"HostOtherThanAuthority", Get(1, {{"host", "other.example"}}), Stream(kProtocol)},
        {"HostTwice", Get(1, {{"host", "shop.example"}, {"host", "shop.example"}}),
         Stream(kProtocol)},
        {"UserInAuthority", With(":authority", "me@shop.example"), Stream(kProtocol)},
        {"EmptyAuthority", With(":authority", ""), Stream(kProtocol)},
        {"PathInAuthority", With(":authority", "shop.example/x"), Stream(kProtocol)},
        {"PortInAuthority", With(":authority", "shop.example:8443"), kOk},
        {"EmptyPath", With(":path", ""), Stream(kProtocol)},
        {"RelativePath", With(":path", "items"), Stream(kProtocol)},
        {"AbsolutePath", With(":path", "http://shop.example/"), Stream(kProtocol)},
        {"FragmentInPath", With(":path", "/items#top"), Stream(kProtocol)},
        {"SpaceInPath", With(":path", "/items 2"), Stream(kProtocol)},
        {"AsteriskOfGet", With(":path", "*"), Stream(kProtocol)},
        {"AsteriskOfOptions",
         Request({{":method", "OPTIONS"},
                  {":scheme", "http"},
                  {":authority", "a.example"},
                  {":path", "*"}}),
         kOk},
        {"OtherScheme", With(":scheme", "ftp"), Stream(kProtocol)},
        {"Https", With(":scheme", "https"), kOk},
        {"EmptyMethod", With(":method", ""), Stream(kProtocol)},
        {"MethodIsNoToken", With(":method", "G T"), Stream(kProtocol)},
        {"OwnMethod", With(":method", "PURGE"), kOk},
        {"ConnectIsNotServed",
         Request({{":method", "CONNECT"}, {":authority", "shop.example:443"}}), kToAnswer},
        {"ConnectWithPath", With(":method", "CONNECT"), Stream(kProtocol)},
        {"LengthOfBody", Post(1, {{"content-length", "5"}}) + Data(1, "hello", true), kOk},
        {"LengthOverBody", Post(1, {{"content-length", "6"}}) + Data(1, "hello", true),
         Stream(kProtocol)},
        {"LengthUnderBody", Post(1, {{"content-length", "4"}}) + Data(1, "hello", true),
         Stream(kProtocol)},
        {"LengthUnderBodyInPieces",
         Post(1, {{"content-length", "4"}}) + Data(1, "he", false) + Data(1, "llo", true),
         Stream(kProtocol)},
        {"LengthWithoutBody", Get(1, {{"content-length", "5"}}), Stream(kProtocol)},
        {"LengthOfZero", Get(1, {{"content-length", "0"}}), kOk},
        {"LengthTwice", Post(1, {{"content-length", "5"}, {"content-length", "5"}}),
         Stream(kProtocol)},
        {"LengthSigned", Post(1, {{"content-length", "+5"}}), Stream(kProtocol)},
        {"LengthWithLeadingZero", Post(1, {{"content-length", "05"}}), Stream(kProtocol)},
        {"LengthIsList", Post(1, {{"content-length", "5, 5"}}), Stream(kProtocol)},
        {"Trailers", Post(1) + Data(1, "x", false) + Headers(1, kWhole, {{"x-sum", "1"}}), kOk},
        {"TrailersWithoutEndStream",
         Post(1) + Data(1, "x", false) + Headers(1, kEndHeaders, {{"x-sum", "1"}}),
         Stream(kProtocol)},
        {"PseudoInTrailers", Post(1) + Headers(1, kWhole, {{":method", "GET"}}), Stream(kProtocol)},
        {"ConnectionInTrailers", Post(1) + Headers(1, kWhole, {{"connection", "close"}}),
         Stream(kProtocol)},
        {"TrailersTooLarge", Post(1) + Headers(1, kWhole, {{"x-sum", std::string(8192, 'x')}}),
         Stream(kProtocol)},
        {"LengthOverBodyAndTrailers",
         Post(1, {{"content-length", "2"}}) + Data(1, "x", false) +
             Headers(1, kWhole, {{"x-sum", "1"}}),
         Stream(kProtocol)},
        {"AStreamErrorSparesOthers", Get(1, {{"X-a", "1"}}) + Get(3), Stream(kProtocol)},
    }),
    CaseName);

// Section 3.4: what comes before all else.
class PrefaceTest : public testing::TestWithParam<Case> {};

TEST_P(PrefaceTest, GetsItsVerdict) {
  for (const size_t step : {size_t{1}, size_t{1} << 20}) {
    SessionContext context{Limits{}};
    ServerRecorder recorder;
    ServerSession session(&context, &recorder);
    recorder.session = &session;
    EXPECT_EQ(Judge(session, GetParam().bytes, step), GetParam().verdict);
  }
}

INSTANTIATE_TEST_SUITE_P(Section3Preface, PrefaceTest,
                         testing::ValuesIn(std::vector<Case>{
                             {"Right", Opening(), kOk},
                             {"Http1", "GET / HTTP/1.1\r\nhost: a.example\r\n\r\n", kNotHttp2},
                             {"OneByteOff", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\r", kNotHttp2},
                             {"WithoutSettings", ClientPreface() + Ping(), Connection(kProtocol)},
                             {"AckForSettings", ClientPreface() + SettingsAck(),
                              Connection(kProtocol)},
                         }),
                         CaseName);

// What a server may not send us.
class ClientTest : public testing::TestWithParam<Case> {};

TEST_P(ClientTest, GetsItsVerdict) {
  for (const size_t step : {size_t{1}, size_t{1} << 20}) {
    SessionContext context{Limits{}};
    ClientRecorder recorder;
    ClientSession session(&context, &recorder);
    recorder.session = &session;
    session.SubmitRequest({"GET", "http", "shop.example", "/"}, {}, /*end=*/true);
    std::string out;
    session.Produce(1 << 20, &out);
    EXPECT_EQ(Judge(session, Settings() + SettingsAck() + GetParam().bytes, step),
              GetParam().verdict);
  }
}

std::string Reply(const Fields& more, uint8_t flags = kWhole) {
  Fields fields = {{":status", "200"}};
  fields.insert(fields.end(), more.begin(), more.end());
  return Headers(1, flags, fields);
}

INSTANTIATE_TEST_SUITE_P(
    Section8Responses, ClientTest,
    testing::ValuesIn(std::vector<Case>{
        {"Plain", Reply({}), kOk},
        {"Body", Reply({}, kEndHeaders) + Data(1, "x", true), kOk},
        {"Interim", Headers(1, kEndHeaders, {{":status", "103"}}) + Reply({}), kOk},
        {"InterimThatEnds", Headers(1, kWhole, {{":status", "103"}}), Stream(kProtocol)},
        {"DataAfterInterim", Headers(1, kEndHeaders, {{":status", "103"}}) + Data(1, "x", true),
         Stream(kProtocol)},
        {"SwitchingProtocols", Headers(1, kEndHeaders, {{":status", "101"}}), Stream(kProtocol)},
        {"NoStatus", Headers(1, kWhole, {{"x-a", "1"}}), Stream(kProtocol)},
        {"StatusTwice", Reply({{":status", "200"}}), Stream(kProtocol)},
        {"StatusOfTwoDigits", Headers(1, kWhole, {{":status", "20"}}), Stream(kProtocol)},
        {"StatusIsNoNumber", Headers(1, kWhole, {{":status", "2x0"}}), Stream(kProtocol)},
        {"StatusUnder100", Headers(1, kWhole, {{":status", "099"}}), Stream(kProtocol)},
        {"PathInResponse", Reply({{":path", "/"}}), Stream(kProtocol)},
        {"UppercaseName", Reply({{"X-a", "1"}}), Stream(kProtocol)},
        {"TransferEncoding", Reply({{"transfer-encoding", "chunked"}}), Stream(kProtocol)},
        {"LengthOverBody", Reply({{"content-length", "2"}}, kEndHeaders) + Data(1, "x", true),
         Stream(kProtocol)},
        {"Trailers", Reply({}, kEndHeaders) + Headers(1, kWhole, {{"grpc-status", "0"}}), kOk},
        {"StatusInTrailers", Reply({}, kEndHeaders) + Headers(1, kWhole, {{":status", "200"}}),
         Stream(kProtocol)},
        {"DataBeforeHead", Data(1, "x", true), Connection(kProtocol)},
        {"HeadersOnIdle", Headers(3, kWhole, {{":status", "200"}}), Connection(kProtocol)},
        {"HeadersOnEvenStream", Headers(2, kWhole, {{":status", "200"}}), Connection(kProtocol)},
        {"PushPromise",
         MakeFrame(kPushPromise, kEndHeaders, 1, Number(2, 4) + Hpack(RequestFields("GET"))),
         Connection(kProtocol)},
        {"DataAfterEnd", Reply({}, kEndHeaders) + Data(1, "x", true) + Data(1, "x", true), kOk},
        {"SettingsPushOn", Settings({{2, 1}}), Connection(kProtocol)},
    }),
    CaseName);

}  // namespace
}  // namespace trellis::http2
