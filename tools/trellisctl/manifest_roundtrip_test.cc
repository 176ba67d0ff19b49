// parse(print(x)) == x for random resources of every kind that can be applied, as YAML and as JSON.
#include "base/runtime/random.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/util/message_differencer.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"
#include "tools/trellisctl/manifest.h"
#include "tools/trellisctl/schema.h"

namespace trellis::ctl {
namespace {

namespace pb = google::protobuf;

class Maker {
 public:
  explicit Maker(uint64_t seed) : random_(seed) {}

  // Fills about half of the optional fields and all that the form requires.
  void Fill(pb::Message* message) {
    const pb::Descriptor& type = *message->GetDescriptor();
    if (type.full_name() == "google.protobuf.Duration" ||
        type.full_name() == "google.protobuf.Timestamp") {
      FillTime(message);
      return;
    }
    const std::vector<std::string> required = RequiredKeysOf(type);
    for (int i = 0; i < type.real_oneof_decl_count(); ++i) {
      const pb::OneofDescriptor& one = *type.oneof_decl(i);
      Set(*one.field(static_cast<int>(random_.Uniform(one.field_count()))), message);
    }
    for (int i = 0; i < type.field_count(); ++i) {
      const pb::FieldDescriptor& field = *type.field(i);
      if (field.real_containing_oneof() != nullptr) continue;
      const bool needed =
          std::find(required.begin(), required.end(), KeyOf(field)) != required.end() ||
          field.name() == "http_match";
      if (needed || random_.Uniform(2) == 0) Set(field, message);
    }
  }

  std::string Text() {
    static const auto& kPieces = *new std::vector<std::string>{"a",
                                                               "B7",
                                                               " ",
                                                               "-",
                                                               ":",
                                                               "#",
                                                               "\n",
                                                               "\t",
                                                               "\"",
                                                               "'",
                                                               "\\",
                                                               "{",
                                                               "]",
                                                               ",",
                                                               "&",
                                                               "*",
                                                               "!",
                                                               "|",
                                                               ">",
                                                               "%",
                                                               "@",
                                                               "é",
                                                               "汉",
                                                               "\x01",
                                                               "\x7f",
                                                               "true",
                                                               "null",
                                                               "12",
                                                               "1e3",
                                                               "~",
                                                               "/",
                                                               "?",
                                                               "=",
                                                               "\r",
                                                               "\xc2\x85",
                                                               "\xe2\x80\xa8",
                                                               "\xef\xbb\xbf",
                                                               "..."};
    std::string text;
    for (uint64_t left = 1 + random_.Uniform(5); left > 0; --left) {
      text += kPieces[random_.Uniform(kPieces.size())];
    }
    return text;
  }

 private:
  void FillTime(pb::Message* message) {
    const pb::Descriptor& type = *message->GetDescriptor();
    const pb::Reflection& set = *message->GetReflection();
    set.SetInt64(message, type.FindFieldByName("seconds"), random_.Uniform(4'000'000'000));
    set.SetInt32(
        message, type.FindFieldByName("nanos"),
        random_.Uniform(2) == 0 ? 0 : static_cast<int32_t>(random_.Uniform(1'000'000'000)));
  }

  void Set(const pb::FieldDescriptor& field, pb::Message* message) {
    const pb::Reflection& set = *message->GetReflection();
    switch (field.cpp_type()) {
      case pb::FieldDescriptor::CPPTYPE_MESSAGE:
        if (!field.is_repeated()) return Fill(set.MutableMessage(message, &field));
        for (uint64_t left = 1 + random_.Uniform(3); left > 0; --left) {
          Fill(set.AddMessage(message, &field));
        }
        return;
      case pb::FieldDescriptor::CPPTYPE_STRING:
        if (field.is_repeated()) return set.AddString(message, &field, Text());
        return set.SetString(message, &field,
                             field.containing_type()->name() == "Account" && field.number() == 1
                                 ? "accounts/" + Text()
                                 : Text());
      case pb::FieldDescriptor::CPPTYPE_INT32:
        return set.SetInt32(message, &field, 1 + static_cast<int32_t>(random_.Uniform(70000)));
      case pb::FieldDescriptor::CPPTYPE_BOOL:
        return set.SetBool(message, &field, field.has_presence() ? random_.Uniform(2) == 0 : true);
      case pb::FieldDescriptor::CPPTYPE_ENUM: {
        const int last = field.enum_type()->value_count() - 1;
        return set.SetEnum(message, &field,
                           field.enum_type()->value(1 + static_cast<int>(random_.Uniform(last))));
      }
      default:
        FAIL() << field.full_name();
    }
  }

  SeededRandom random_;
};

TEST(ManifestRoundTrip, PrintingAndReadingGivesTheSameResource) {
  constexpr int kRounds = 200;
  for (const KindInfo& info : Kinds()) {
    if (!info.appliable) continue;
    Maker maker(/*seed=*/7 + static_cast<uint64_t>(info.kind));
    for (int round = 0; round < kRounds; ++round) {
      v1::Manifest manifest;
      maker.Fill(MutableUnwrap(info.kind, manifest.mutable_resource()));
      if (info.parent_keys.size() == 1) manifest.set_parent("a:b");
      if (info.parent_keys.size() == 2) manifest.set_parent("svc-1/true");
      for (const auto emit : {&EmitYaml, &EmitJson}) {
        const std::string text = emit(ToDocument(manifest.resource(), manifest.parent()));
        ASSERT_OK_AND_ASSIGN(auto read, ReadManifests(text, "f"));
        ASSERT_EQ(read.size(), 1u) << text;
        read[0].clear_source();
        ASSERT_TRUE(pb::util::MessageDifferencer::Equals(read[0], manifest))
            << text << read[0].DebugString() << manifest.DebugString();
      }
    }
  }
}

}  // namespace
}  // namespace trellis::ctl
