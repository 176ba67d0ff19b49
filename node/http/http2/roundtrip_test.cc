// Whatever heads and bodies two sessions exchange, in pieces of any size, arrive as they were sent.
#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/runtime/random.h"
#include "gtest/gtest.h"
#include "node/http/http2/session.h"
#include "node/http/http2/session_testing.h"

namespace trellis::http2 {
namespace {

constexpr int kRounds = 40;
constexpr int kStreams = 12;

// One direction of an exchange.
struct Message {
  std::vector<std::pair<std::string, std::string>> fields;
  std::string body;
  std::vector<std::pair<std::string, std::string>> trailers;
  bool end_with_head = false;
  size_t sent = 0;
  bool ended = false;
};

std::vector<std::pair<std::string, std::string>> RandomFields(Random& random,
                                                              absl::string_view prefix,
                                                              size_t most) {
  std::vector<std::pair<std::string, std::string>> fields;
  for (uint64_t i = random.Uniform(most + 1); i-- > 0;) {
    std::string value;
    for (uint64_t n = random.Uniform(random.Chance(0.1) ? 3000 : 30); n-- > 0;) {
      value.push_back(static_cast<char>('!' + random.Uniform(94)));
    }
    fields.emplace_back(absl::StrCat(prefix, random.Uniform(20)), value);
  }
  return fields;
}

Message RandomMessage(Random& random) {
  Message message;
  message.fields = RandomFields(random, "x-field-", 12);
  message.end_with_head = random.Chance(0.3);
  if (message.end_with_head) return message;
  const size_t size = random.Uniform(random.Chance(0.2) ? 300 * 1024 : 2000);
  for (size_t i = 0; i < size; ++i) message.body.push_back(static_cast<char>(random.Next64()));
  message.trailers = RandomFields(random, "x-trailer-", 3);
  return message;
}

http::HeaderMap Map(const std::vector<std::pair<std::string, std::string>>& fields) {
  http::HeaderMap headers;
  for (const auto& [name, value] : fields) headers.Add(name, value);
  return headers;
}

// Gives some of what there is room for.
void Push(Session& session, StreamId id, Random& random, Message* message) {
  if (message->ended || message->end_with_head) return;
  const absl::string_view rest = absl::string_view(message->body).substr(message->sent);
  const absl::string_view piece = rest.substr(0, random.Uniform(rest.size() + 1));
  const bool last = piece.size() == rest.size();
  const bool end = last && message->trailers.empty();
  const size_t taken = session.SendData(id, piece, end);
  message->sent += taken;
  if (!last || taken < piece.size()) return;
  if (!end) session.SendTrailers(id, Map(message->trailers));
  message->ended = true;
}

TEST(RoundTripTest, WhatIsSentArrives) {
  for (uint64_t seed = 1; seed <= kRounds; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    SeededRandom random(seed);
    Pair pair;
    std::map<StreamId, Message> requests;
    std::map<StreamId, Message> responses;
    std::map<StreamId, bool> answered;
    for (int i = 0; i < kStreams; ++i) {
      Message message = RandomMessage(random);
      const StreamId id = pair.client.SubmitRequest({"POST", "https", "shop.example", "/items"},
                                                    Map(message.fields), message.end_with_head);
      requests[id] = std::move(message);
      responses[id] = RandomMessage(random);
    }
    const auto all_closed = [&pair] { return pair.client.streams() + pair.server.streams() == 0; };
    for (int turn = 0; turn < 100000 && !all_closed(); ++turn) {
      for (auto& [id, message] : requests) Push(pair.client, id, random, &message);
      for (auto& [id, message] : responses) {
        // After the request: an early answer would cut it off.
        if (!pair.at_server.seen[id].ended) continue;
        if (!answered[id]) {
          pair.server.SubmitResponse(id, 200, Map(message.fields), message.end_with_head);
          answered[id] = true;
        }
        Push(pair.server, id, random, &message);
      }
      Pair::Move(pair.client, pair.server, 1 + random.Uniform(40000));
      Pair::Move(pair.server, pair.client, 1 + random.Uniform(40000));
    }
    ASSERT_TRUE(all_closed());
    for (const auto& [id, message] : requests) {
      const Seen& seen = pair.at_server.seen[id];
      EXPECT_EQ(seen.head, absl::StrCat("POST https shop.example /items host=shop.example;",
                                        FieldsText(Map(message.fields))));
      EXPECT_TRUE(seen.body == message.body);
      EXPECT_EQ(seen.trailers, FieldsText(Map(message.trailers)));
      EXPECT_EQ(seen.code, ErrorCode::kNoError);
    }
    for (const auto& [id, message] : responses) {
      const Seen& seen = pair.at_client.seen[id];
      EXPECT_EQ(seen.head, absl::StrCat("200 ", FieldsText(Map(message.fields))));
      EXPECT_TRUE(seen.body == message.body);
      EXPECT_EQ(seen.trailers, FieldsText(Map(message.trailers)));
      EXPECT_EQ(seen.code, ErrorCode::kNoError);
    }
  }
}

}  // namespace
}  // namespace trellis::http2
