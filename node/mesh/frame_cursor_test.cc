#include "node/mesh/frame_cursor.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/runtime/random.h"
#include "gtest/gtest.h"

namespace trellis::mesh {
namespace {

constexpr char kPreface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

std::string Number(uint32_t number, int bytes) {
  std::string text;
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
    text.push_back(static_cast<char>(number >> shift & 0xff));
  }
  return text;
}

std::string FrameOf(int type, const std::string& payload, uint32_t stream = 1) {
  return absl::StrCat(Number(static_cast<uint32_t>(payload.size()), 3), Number(type, 1),
                      Number(0, 1), Number(stream, 4), payload);
}

std::string Update(uint32_t increment) { return FrameOf(8, Number(increment, 4)); }

const std::string kSettings = FrameOf(4, "", 0);

TEST(FrameCursorTest, WindowUpdatesAloneAreKnownByWhatTheyGrant) {
  FrameCursor cursor;
  EXPECT_EQ(cursor.Take(kSettings), 0u);
  EXPECT_EQ(cursor.Take(Update(70)), 70u);
  EXPECT_EQ(cursor.Take(Update(70) + Update(5)), 75u);
}

TEST(FrameCursorTest, BesideOtherFramesTheyAreNot) {
  FrameCursor cursor;
  EXPECT_EQ(cursor.Take(kPreface + kSettings + Update(70)), 0u);
  EXPECT_EQ(cursor.Take(Update(70) + FrameOf(0, "data")), 0u);
  EXPECT_EQ(cursor.Take(FrameOf(6, std::string(8, '\0'), 0)), 0u) << "a ping";
  EXPECT_EQ(cursor.Take(Update(70)), 70u) << "all before it was whole";
}

TEST(FrameCursorTest, WhatLooksLikeOneInsideAFrameIsNone) {
  FrameCursor cursor;
  cursor.Take(kSettings);
  const std::string data = FrameOf(0, Update(70));
  EXPECT_EQ(cursor.Take(data.substr(0, 9)), 0u);
  EXPECT_EQ(cursor.Take(data.substr(9)), 0u);
  EXPECT_EQ(cursor.Take(Update(70)), 70u);
}

TEST(FrameCursorTest, PiecesOfOneAreNone) {
  FrameCursor cursor;
  cursor.Take(kSettings);
  EXPECT_EQ(cursor.Take(Update(70).substr(0, 5)), 0u);
  EXPECT_EQ(cursor.Take(Update(70).substr(5)), 0u);
  EXPECT_EQ(cursor.Take(Update(70)), 70u);
}

TEST(FrameCursorTest, InWhateverPiecesFramesComeItKnowsWhereTheNextBegins) {
  SeededRandom random(1);
  for (int round = 0; round < 2000; ++round) {
    std::string stream = round % 2 == 0 ? kPreface + kSettings : kSettings;
    for (uint64_t i = random.Uniform(6); i > 0; --i) {
      absl::StrAppend(&stream, FrameOf(static_cast<int>(random.Uniform(8)),
                                       std::string(random.Uniform(40), '\x08')));
    }
    FrameCursor cursor;
    while (!stream.empty()) {
      const size_t piece = std::min<size_t>(1 + random.Uniform(30), stream.size());
      cursor.Take(stream.substr(0, piece));
      stream.erase(0, piece);
    }
    ASSERT_EQ(cursor.Take(Update(9)), 9u) << round;
  }
}

}  // namespace
}  // namespace trellis::mesh
