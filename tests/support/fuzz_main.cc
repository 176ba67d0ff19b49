// The main of every fuzz target in an ordinary test run: replays its corpus, then a bounded number
// of seeded mutations of it, so a run is the same on every machine and its length is known.
//
// Understands the flags of libFuzzer that it needs (-runs, -seed, -max_len, -dict) and ignores the
// others, so one command line serves both; files and folders are the corpus. When an input brings
// the target down, it is written to $TEST_UNDECLARED_OUTPUTS_DIR (or the current folder) under the
// name of libFuzzer's crash files, ready to be replayed and to join the corpus.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "base/log/log.h"
#include "base/runtime/random.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
extern "C" void __sanitizer_set_death_callback(void (*callback)()) __attribute__((weak));

namespace trellis {
namespace {

constexpr uint64_t kRunsDefault = 20000;
constexpr uint64_t kInputBytesMax = 64 * 1024;
constexpr int kMutationsMax = 4;  // Stacked on one input.

struct Options {
  uint64_t runs = kRunsDefault;
  uint64_t seed = 1;
  uint64_t input_bytes_max = kInputBytesMax;
  std::vector<std::string> dictionary;
  std::vector<std::string> corpus;
};

// What the target is working on, for the handler of its last breath.
const char* current_data = nullptr;
size_t current_size = 0;
char crash_path[4096];

void SaveCurrentInput() {
  const int fd = open(crash_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  const char* data = current_data;
  for (size_t left = fd < 0 ? 0 : current_size; left > 0;) {
    const ssize_t written = write(fd, data, left);
    if (written <= 0) break;
    data += written;
    left -= static_cast<size_t>(written);
  }
  for (const char* part :
       {"fuzz_main: the input is in ", static_cast<const char*>(crash_path), "\n"}) {
    if (write(STDERR_FILENO, part, strlen(part)) < 0) break;
  }
}

void OnFatalSignal(int signal_number) {
  signal(signal_number, SIG_DFL);
  SaveCurrentInput();
  raise(signal_number);
}

void SaveInputOnDeath() {
  const char* folder = getenv("TEST_UNDECLARED_OUTPUTS_DIR");
  snprintf(crash_path, sizeof(crash_path), "%s/crash-%d", folder == nullptr ? "." : folder,
           getpid());
  for (const int fatal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL}) signal(fatal, OnFatalSignal);
  if (__sanitizer_set_death_callback != nullptr) __sanitizer_set_death_callback(SaveCurrentInput);
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  CHECK(file.good()) << "cannot read " << path;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

// One quoted, escaped token a line, optionally after `name=`; # begins a comment.
std::vector<std::string> ReadDictionary(const std::string& path) {
  std::vector<std::string> tokens;
  std::ifstream file(path);
  CHECK(file.good()) << "cannot read dictionary " << path;
  for (std::string line; std::getline(file, line);) {
    const absl::string_view text = absl::StripAsciiWhitespace(line);
    const size_t begin = text.find('"');
    if (text.empty() || text.front() == '#' || begin == absl::string_view::npos) continue;
    std::string token;
    CHECK(text.size() > begin + 1 && text.back() == '"' &&
          absl::CUnescape(text.substr(begin + 1, text.size() - begin - 2), &token))
        << path << ": not a quoted token: " << text;
    tokens.push_back(std::move(token));
  }
  return tokens;
}

void AddCorpus(const std::string& path, std::vector<std::string>* corpus) {
  if (!std::filesystem::is_directory(path)) return corpus->push_back(ReadFile(path));
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) {
    if (entry.is_regular_file()) files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());  // The folder's own order differs between machines.
  for (const std::string& file : files) corpus->push_back(ReadFile(file));
}

Options ParseOptions(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    absl::string_view argument = argv[i];
    if (argument.empty() || argument.front() != '-') {
      AddCorpus(argv[i], &options.corpus);
    } else if (absl::ConsumePrefix(&argument, "-runs=")) {
      CHECK(absl::SimpleAtoi(argument, &options.runs)) << "-runs takes a number, not " << argument;
    } else if (absl::ConsumePrefix(&argument, "-seed=")) {
      CHECK(absl::SimpleAtoi(argument, &options.seed)) << "-seed takes a number, not " << argument;
    } else if (absl::ConsumePrefix(&argument, "-max_len=")) {
      CHECK(absl::SimpleAtoi(argument, &options.input_bytes_max) && options.input_bytes_max > 0)
          << "-max_len takes a positive number, not " << argument;
    } else if (absl::ConsumePrefix(&argument, "-dict=")) {
      options.dictionary = ReadDictionary(std::string(argument));
    }
  }
  return options;
}

class Mutator {
 public:
  explicit Mutator(const Options& options) : options_(options), random_(options.seed) {}

  std::string Next() {
    std::string input = Pick(options_.corpus);
    for (int left = 1 + static_cast<int>(random_.Uniform(kMutationsMax)); left > 0; --left) {
      Mutate(&input);
    }
    if (input.size() > options_.input_bytes_max) input.resize(options_.input_bytes_max);
    return input;
  }

 private:
  enum Kind { kFlipBit, kSetByte, kErase, kRepeat, kTruncate, kToken, kSplice, kKinds };

  // Of the bytes that text parsers treat apart, and any other now and then.
  char InterestingByte() {
    constexpr char kBytes[] = "\0\t\r\n :;,=\"'/\\%?#{}[]()0129afxAZ~\x7f\x80\xff";
    return random_.Chance(0.7) ? kBytes[random_.Uniform(sizeof(kBytes) - 1)]
                               : static_cast<char>(random_.Next64());
  }

  const std::string& Pick(const std::vector<std::string>& from) {
    return from[random_.Uniform(from.size())];
  }

  void Mutate(std::string* input) {
    const size_t size = input->size();
    const size_t at = random_.Uniform(size + 1);
    const size_t run = 1 + random_.Uniform(8);
    switch (size == 0 ? kToken : static_cast<Kind>(random_.Uniform(kKinds))) {
      case kFlipBit:
        (*input)[at % size] ^= static_cast<char>(1 << random_.Uniform(8));
        break;
      case kSetByte:
        (*input)[at % size] = InterestingByte();
        break;
      case kErase:
        input->erase(at, run);
        break;
      case kRepeat:
        input->insert(at, std::string(*input, random_.Uniform(size), run));
        break;
      case kTruncate:
        input->resize(at);
        break;
      case kToken:
        input->insert(at, options_.dictionary.empty() || random_.Chance(0.3)
                              ? std::string(1, InterestingByte())
                              : Pick(options_.dictionary));
        break;
      case kSplice: {
        const std::string& other = Pick(options_.corpus);
        input->replace(at, std::string::npos, other, random_.Uniform(other.size() + 1),
                       std::string::npos);
        break;
      }
      case kKinds:
        break;
    }
  }

  const Options& options_;
  SeededRandom random_;
};

// From a block of exactly its size, so that a sanitizer sees one byte too far.
void RunOne(const std::string& input) {
  const std::vector<uint8_t> exact(input.begin(), input.end());
  current_data = input.data();
  current_size = input.size();
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

int Main(int argc, char** argv) {
  Options options = ParseOptions(argc, argv);
  SaveInputOnDeath();
  const size_t corpus_files = options.corpus.size();
  options.corpus.emplace_back();  // The empty input belongs to every corpus.
  for (const std::string& input : options.corpus) RunOne(input);
  Mutator mutator(options);
  for (uint64_t i = 0; i < options.runs; ++i) RunOne(mutator.Next());
  printf("fuzz_main: ran %zu corpus files and %llu mutations (seed %llu)\n", corpus_files,
         static_cast<unsigned long long>(options.runs),
         static_cast<unsigned long long>(options.seed));
  return 0;
}

}  // namespace
}  // namespace trellis

int main(int argc, char** argv) { return trellis::Main(argc, argv); }
