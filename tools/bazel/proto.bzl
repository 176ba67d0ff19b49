"""cc_proto: C++ from .proto files with Debian's protoc; Bazel's own rules would download theirs."""

def _protos(label):
    """The filegroup beside a cc_proto: //a/b:c, :c or //a/b."""
    if ":" not in label:
        label = label + ":" + label.split("/")[-1]
    return label + "_protos"

def cc_proto(name, srcs, deps = [], grpc = False, visibility = None):
    """Makes a cc_library `name` with the messages (and, if `grpc`, the services) of `srcs`.

    Args:
      name: the library.
      srcs: .proto files of this package; they import by path from the workspace root.
      deps: cc_proto targets whose files `srcs` import.
      grpc: also generate the gRPC stubs (*.grpc.pb.h).
      visibility: as everywhere.
    """
    stems = [src[:-len(".proto")] for src in srcs]
    headers = [stem + ".pb.h" for stem in stems]
    sources = [stem + ".pb.cc" for stem in stems]
    plugin = ""
    tools = ["@system//:protoc"]
    if grpc:
        headers += [stem + ".grpc.pb.h" for stem in stems]
        sources += [stem + ".grpc.pb.cc" for stem in stems]
        plugin = " --plugin=protoc-gen-grpc=/usr/bin/grpc_cpp_plugin --grpc_out=$(GENDIR)"
        tools.append("@system//:grpc_cpp_plugin")
    native.filegroup(
        name = name + "_protos",
        srcs = srcs + [_protos(dep) for dep in deps],
        visibility = visibility,
    )
    native.genrule(
        name = name + "_generate",
        srcs = [":" + name + "_protos"],
        outs = headers + sources,
        cmd = "/usr/bin/protoc -I. --cpp_out=$(GENDIR)" + plugin + " " +
              " ".join([native.package_name() + "/" + src for src in srcs]),
        tools = tools,
        visibility = ["//visibility:private"],
    )
    native.cc_library(
        name = name,
        srcs = sources,
        hdrs = headers,
        copts = [
            "-w",
            "-O1",
        ],
        visibility = visibility,
        deps = deps + (["@system//:grpc"] if grpc else ["@system//:protobuf"]),
    )
