// swift-tools-version: 6.2
import PackageDescription

/// A Debian library, found through pkg-config and installed by `make`.
func debian(_ name: String, pkgConfig: String? = nil, package: String) -> Target {
  .systemLibrary(name: name, pkgConfig: pkgConfig, providers: [.apt([package])])
}

let package = Package(
  name: "deepfm",
  products: [
    .executable(name: "deepfm", targets: ["Command"]),
    .library(name: "Run", targets: ["Run"]),
    // Three C functions: Sources/Predictor/deepfm.h.
    .library(name: "deepfm-predict", type: .dynamic, targets: ["Predictor"]),
  ],
  dependencies: [
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: [
    debian("CZeroMQ", package: "libzmq3-dev"),
    debian("COpenBLAS", pkgConfig: "openblas", package: "libopenblas-dev"),
    debian("CZlib", pkgConfig: "zlib", package: "zlib1g-dev"),
    debian("CXXHash", pkgConfig: "libxxhash", package: "libxxhash-dev"),
    debian("CZstd", pkgConfig: "libzstd", package: "libzstd-dev"),
    debian("CArchive", pkgConfig: "libarchive", package: "libarchive-dev"),
    debian("CISAL", pkgConfig: "libisal", package: "libisal-dev"),
    debian("CSodium", pkgConfig: "libsodium", package: "libsodium-dev"),

    .target(name: "Randomness"),
    .target(name: "DeepFM", dependencies: ["COpenBLAS", "Randomness"]),
    .target(
      name: "Features",
      dependencies: [
        "CZlib", "CZstd", "CArchive", "CXXHash", "CISAL", "Randomness", "Yams",
        .product(name: "GRDB", package: "GRDB.swift"),
      ]),
    .target(name: "Sharding", dependencies: ["CSodium"]),
    .target(name: "Checkpoint", dependencies: ["CXXHash", "Sharding", .product(name: "GRDB", package: "GRDB.swift")]),
    .target(name: "Wire", dependencies: ["CZeroMQ", "Sharding"]),
    .target(
      name: "ParamServer",
      dependencies: [
        "Checkpoint", "Wire", "Sharding", .product(name: "Logging", package: "swift-log"),
      ]),
    .target(name: "Job", dependencies: ["Sharding", "Features", "DeepFM", "Yams"]),
    .target(
      name: "Worker",
      dependencies: ["Job", "Wire", "Sharding", "Features", "DeepFM", .product(name: "Logging", package: "swift-log")]),
    .target(
      name: "Coordinator",
      dependencies: [
        "Job", "Checkpoint", "Sharding", "Wire", "Features", "DeepFM",
        .product(name: "Logging", package: "swift-log"),
      ]),
    .target(
      name: "Serving", dependencies: ["CZlib", "Worker", "Job", "Checkpoint", "Sharding", "Features", "DeepFM"]),
    .target(
      name: "Service",
      dependencies: [
        "Serving", "Features", "DeepFM", .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"), .product(name: "NIOHTTP1", package: "swift-nio"),
      ]),
    .target(name: "Comparison", dependencies: ["DeepFM", .product(name: "GRDB", package: "GRDB.swift")]),
    .target(
      name: "Run",
      dependencies: [
        "Serving", "Comparison", "Coordinator", "ParamServer", "Checkpoint", "Job", "Sharding", "Wire", "Features",
        "DeepFM",
        "Randomness",
      ]),
    .target(name: "Predictor", dependencies: ["Run", "Serving"], exclude: ["deepfm.h"]),
    .target(name: "CStacks"),
    .executableTarget(
      name: "Command",
      dependencies: [
        "CStacks", "Run", "Service", "Comparison", "ParamServer", "Worker", "Job", "Features", "DeepFM",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
      ]),

    .executableTarget(
      name: "benchmarks",
      dependencies: [
        "Checkpoint", "DeepFM", "Features", "Sharding", "Wire", "Job", "Run", "Serving", "ParamServer", "Worker",
        "Command",
      ],
      path: "Benchmarks"),

    .testTarget(name: "DeepFMTests", dependencies: ["DeepFM", "Randomness"]),
    .testTarget(name: "FeaturesTests", dependencies: ["Features", "Randomness", "CZstd"]),
    .testTarget(name: "ShardingTests", dependencies: ["Sharding"]),
    .testTarget(name: "WireTests", dependencies: ["Wire", "Sharding"]),
    .testTarget(
      name: "CheckpointTests", dependencies: ["Checkpoint", "Sharding", .product(name: "GRDB", package: "GRDB.swift")]),
    .testTarget(name: "ParamServerTests", dependencies: ["ParamServer", "Checkpoint", "Sharding", "Wire"]),
    .testTarget(name: "JobTests", dependencies: ["Job", "Sharding"]),
    .testTarget(name: "WorkerTests", dependencies: ["Worker", "Sharding", "Randomness"]),
    .testTarget(
      name: "CoordinatorTests",
      dependencies: ["Coordinator", "Checkpoint", "DeepFM", "Features", "Job", "Sharding", "Wire"]),
    .testTarget(name: "ComparisonTests", dependencies: ["Comparison"]),
    .testTarget(
      name: "RunTests",
      dependencies: ["Run", "Checkpoint", "DeepFM", "Features", "Job", "ParamServer", "Serving", "Sharding"]),
    .testTarget(name: "CommandTests", dependencies: ["Command"]),
    .testTarget(
      name: "SimulationTests",
      dependencies: [
        "Checkpoint", "Command", "Coordinator", "DeepFM", "Features", "Job", "ParamServer", "Run", "Sharding", "Wire",
        "Worker",
      ]),
    .testTarget(
      name: "ClusterTests",
      dependencies: ["Command", "Run", "Checkpoint", "DeepFM", "Features", "Job"]),
  ],
  swiftLanguageModes: [.v6]
)
