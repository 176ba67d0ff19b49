#include "storage/catalog/keys.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace trellis::storage {
namespace {

template <typename Number>
void Append(Number number, std::string* text) {
  for (int shift = 8 * (sizeof(Number) - 1); shift >= 0; shift -= 8) {
    text->push_back(static_cast<char>(number >> shift));
  }
}

template <typename Number>
bool Consume(absl::string_view* text, Number* number) {
  if (text->size() < sizeof(Number)) return false;
  *number = 0;
  for (size_t i = 0; i < sizeof(Number); ++i) {
    *number = static_cast<Number>(*number << 8 | static_cast<uint8_t>((*text)[i]));
  }
  text->remove_prefix(sizeof(Number));
  return true;
}

std::string Prefixed(absl::string_view prefix, const Origin& origin) {
  std::string key(prefix);
  Append(origin.node, &key);
  Append(origin.incarnation, &key);
  return key;
}

}  // namespace

std::string HeadKey(const Origin& origin) { return Prefixed(kHeadPrefix, origin); }

std::string AuthorKey(const Origin& origin) { return Prefixed(kAuthorPrefix, origin); }

std::string ForgottenKey(absl::string_view name) { return absl::StrCat(kForgottenPrefix, name); }

bool ParseHeadKey(absl::string_view key, Origin* origin) {
  return absl::ConsumePrefix(&key, kHeadPrefix) && Consume(&key, &origin->node) &&
         Consume(&key, &origin->incarnation) && key.empty();
}

std::string TransactionKey::Encode() const {
  std::string key = Prefixed("", origin);
  Append(sequence, &key);
  return key;
}

bool TransactionKey::Decode(absl::string_view key, TransactionKey* result) {
  return Consume(&key, &result->origin.node) && Consume(&key, &result->origin.incarnation) &&
         Consume(&key, &result->sequence) && key.empty();
}

std::string OriginKey::Encode() const {
  std::string key = transaction().Encode();
  Append(index, &key);
  return key;
}

bool OriginKey::Decode(absl::string_view key, OriginKey* result) {
  return Consume(&key, &result->origin.node) && Consume(&key, &result->origin.incarnation) &&
         Consume(&key, &result->sequence) && Consume(&key, &result->index) && key.empty();
}

std::string ReplacedBegin(absl::string_view name) {
  return absl::StrCat(name, std::string(1, '\0'));
}

std::string ReplacedEnd(absl::string_view name) { return absl::StrCat(name, "\1"); }

std::string ReplacedKey(absl::string_view name, const Version& version, const OriginKey& write) {
  return absl::StrCat(ReplacedBegin(name), EncodeNumber(version.hlc), write.Encode());
}

std::string EncodeNumber(uint64_t number) {
  std::string text;
  Append(number, &text);
  return text;
}

bool DecodeNumber(absl::string_view text, uint64_t* number) {
  return Consume(&text, number) && text.empty();
}

}  // namespace trellis::storage
