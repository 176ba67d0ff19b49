// Every file of tests/corpus/http1_*, named CASE.VERDICT.http, is accepted ("none") or refused with
// the error of its name, whichever way its bytes arrive. Fuzzing's finds have other names and are
// left to the fuzz targets.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "node/http/http1/codec.h"

namespace trellis::http1 {
namespace {

struct CorpusCase {
  std::string name;
  std::string verdict;
  std::string bytes;
};

std::vector<CorpusCase> Corpus(const std::string& folder) {
  std::vector<CorpusCase> cases;
  for (const auto& entry : std::filesystem::directory_iterator("tests/corpus/" + folder)) {
    const std::vector<std::string> parts =
        absl::StrSplit(entry.path().filename().string(), absl::ByChar('.'));
    if (parts.size() != 3 || parts[2] != "http") continue;
    std::ifstream file(entry.path(), std::ios::binary);
    cases.push_back({parts[0], parts[1], std::string(std::istreambuf_iterator<char>(file), {})});
  }
  std::sort(cases.begin(), cases.end(),
            [](const CorpusCase& a, const CorpusCase& b) { return a.name < b.name; });
  return cases;
}

std::string CaseName(const testing::TestParamInfo<CorpusCase>& info) {
  return absl::StrCat(info.param.name, "_", info.param.verdict);
}

// A copy of the first bytes, in memory of its own: each call moves the buffer.
std::string Prefix(const std::string& bytes, size_t size) { return bytes.substr(0, size); }

class RequestCorpusTest : public testing::TestWithParam<CorpusCase> {};

TEST_P(RequestCorpusTest, GetsItsVerdictAtOnce) {
  RequestParser parser{Limits{}};
  const Parse parse = parser.Feed(GetParam().bytes);
  EXPECT_EQ(std::string(ErrorName(parser.error())), GetParam().verdict);
  EXPECT_EQ(parse, GetParam().verdict == "none" ? Parse::kDone : Parse::kError);
}

TEST_P(RequestCorpusTest, GetsItsVerdictByteByByte) {
  RequestParser parser{Limits{}};
  Parse parse = Parse::kNeedMore;
  for (size_t size = 0; size <= GetParam().bytes.size() && parse == Parse::kNeedMore; ++size) {
    parse = parser.Feed(Prefix(GetParam().bytes, size));
  }
  EXPECT_EQ(std::string(ErrorName(parser.error())), GetParam().verdict);
  EXPECT_NE(parse, Parse::kNeedMore);
}

INSTANTIATE_TEST_SUITE_P(Http1, RequestCorpusTest, testing::ValuesIn(Corpus("http1_request")),
                         CaseName);

class ResponseCorpusTest : public testing::TestWithParam<CorpusCase> {};

TEST_P(ResponseCorpusTest, GetsItsVerdictAtOnce) {
  ResponseParser parser{Limits{}};
  const Parse parse = parser.Feed(GetParam().bytes, /*to_head=*/false);
  EXPECT_EQ(std::string(ErrorName(parser.error())), GetParam().verdict);
  EXPECT_EQ(parse, GetParam().verdict == "none" ? Parse::kDone : Parse::kError);
}

TEST_P(ResponseCorpusTest, GetsItsVerdictByteByByte) {
  ResponseParser parser{Limits{}};
  Parse parse = Parse::kNeedMore;
  for (size_t size = 0; size <= GetParam().bytes.size() && parse == Parse::kNeedMore; ++size) {
    parse = parser.Feed(Prefix(GetParam().bytes, size), /*to_head=*/false);
  }
  EXPECT_EQ(std::string(ErrorName(parser.error())), GetParam().verdict);
  EXPECT_NE(parse, Parse::kNeedMore);
}

INSTANTIATE_TEST_SUITE_P(Http1, ResponseCorpusTest, testing::ValuesIn(Corpus("http1_response")),
                         CaseName);

class ChunkedCorpusTest : public testing::TestWithParam<CorpusCase> {};

TEST_P(ChunkedCorpusTest, GetsItsVerdictInPiecesOfAnySize) {
  const std::string& bytes = GetParam().bytes;
  for (size_t step = 1; step <= bytes.size(); ++step) {
    BodyDecoder decoder(Framing{Framing::Kind::kChunked, 0}, Limits{});
    size_t at = 0;
    while (at < bytes.size() && !decoder.done() && decoder.error() == Error::kNone) {
      const size_t consumed = decoder.Decode(Prefix(bytes.substr(at), step)).consumed;
      if (consumed == 0) break;
      at += consumed;
    }
    EXPECT_EQ(std::string(ErrorName(decoder.error())), GetParam().verdict)
        << "in steps of " << step;
    EXPECT_EQ(decoder.done(), GetParam().verdict == "none") << "in steps of " << step;
  }
}

INSTANTIATE_TEST_SUITE_P(Http1, ChunkedCorpusTest, testing::ValuesIn(Corpus("http1_chunked")),
                         CaseName);

}  // namespace
}  // namespace trellis::http1
