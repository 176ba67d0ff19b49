"""fuzz_test: a fuzz target that ordinary test runs replay and --config=fuzz hunts with.

    load("//tools/bazel:fuzz.bzl", "fuzz_test")

    fuzz_test(
        name = "request_parser_fuzz",
        srcs = ["request_parser_fuzz.cc"],           # LLVMFuzzerTestOneInput, stating a property
        corpus = ["//tests/corpus:http1_request"],   # one input a file
        dict = "//tests/corpus:http1.dict",          # optional: libFuzzer's dictionary format
        deps = [":codec"],
    )

`bazel test :request_parser_fuzz` runs every corpus file and `runs` seeded mutations of them
(tests/support/fuzz_main.cc). To hunt with libFuzzer and AddressSanitizer, keeping what it finds:

    bazel build --config=fuzz //node/http/http1:request_parser_fuzz
    mkdir -p /tmp/found
    bazel-bin/node/http/http1/request_parser_fuzz -max_total_time=300 \\
        -dict=tests/corpus/http1.dict /tmp/found tests/corpus/http1_request

An input that shows a bug joins the corpus in the commit that mends it. A new corpus is a folder
under tests/corpus, named in tests/corpus/BUILD.
"""

def fuzz_test(name, srcs, corpus = [], deps = [], dict = None, runs = 20000, **kwargs):
    """Declares a cc_test around LLVMFuzzerTestOneInput.

    Args:
      name: ends in _fuzz.
      srcs: the file with LLVMFuzzerTestOneInput.
      corpus: labels of files or filegroups, one input a file.
      deps: what it needs; the main comes by itself.
      dict: label of a dictionary file.
      runs: mutations tried in an ordinary test run, after the corpus.
      **kwargs: as of cc_test.
    """
    native.cc_test(
        name = name,
        size = kwargs.pop("size", "small"),
        srcs = srcs,
        args = ["-runs=%d" % runs] +
               (["-dict=$(rootpath %s)" % dict] if dict else []) +
               ["$(rootpaths %s)" % label for label in corpus],
        data = corpus + ([dict] if dict else []),
        linkstatic = True,  # One file to carry to wherever there is time to hunt.
        deps = deps + ["//tests/support:fuzz_main"],
        **kwargs
    )
