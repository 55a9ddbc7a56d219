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
  ],
  dependencies: [
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: [
    debian("CZeroMQ", package: "libzmq3-dev"),
    debian("COpenBLAS", pkgConfig: "openblas", package: "libopenblas-dev"),
    debian("CZlib", pkgConfig: "zlib", package: "zlib1g-dev"),
    debian("CXXHash", pkgConfig: "libxxhash", package: "libxxhash-dev"),
    debian("CZstd", pkgConfig: "libzstd", package: "libzstd-dev"),
    debian("CISAL", pkgConfig: "libisal", package: "libisal-dev"),
    debian("CSodium", pkgConfig: "libsodium", package: "libsodium-dev"),

    .target(name: "DeepFM", dependencies: ["COpenBLAS"]),
    .target(
      name: "Features",
      dependencies: ["CZlib", "CZstd", "CXXHash", "CISAL", "Yams", .product(name: "GRDB", package: "GRDB.swift")]),
    .target(name: "Wire", dependencies: ["CZeroMQ"]),
    .target(
      name: "ParamServer",
      dependencies: [
        "Wire", "CSodium", .product(name: "GRDB", package: "GRDB.swift"),
        .product(name: "Logging", package: "swift-log"),
      ]),
    .target(name: "Job", dependencies: ["Wire", "Features", "DeepFM", "Yams"]),
    .target(
      name: "Worker",
      dependencies: ["Job", "Wire", "Features", "DeepFM", .product(name: "Logging", package: "swift-log")]),
    .target(
      name: "Coordinator",
      dependencies: [
        "Job", "Wire", "Features", "DeepFM", "CSodium",
        .product(name: "GRDB", package: "GRDB.swift"),
        .product(name: "Logging", package: "swift-log"),
      ]),
    .target(name: "Comparison", dependencies: ["DeepFM", .product(name: "GRDB", package: "GRDB.swift")]),
    .target(
      name: "Run", dependencies: ["Comparison", "Coordinator", "Job", "Wire", "Features", "DeepFM"]),
    .executableTarget(
      name: "Command",
      dependencies: [
        "Run", "Comparison", "ParamServer", "Worker", "Job", "Features", "DeepFM",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
      ]),

    .executableTarget(
      name: "benchmarks", dependencies: ["DeepFM", "Features", "Wire", "Job", "ParamServer", "Worker", "Command"],
      path: "Benchmarks"),

    .testTarget(name: "DeepFMTests", dependencies: ["DeepFM"]),
    .testTarget(name: "FeaturesTests", dependencies: ["Features", "CZstd"]),
    .testTarget(name: "WireTests", dependencies: ["Wire"]),
    .testTarget(
      name: "ParamServerTests", dependencies: ["ParamServer", .product(name: "GRDB", package: "GRDB.swift")]),
    .testTarget(name: "JobTests", dependencies: ["Job"]),
    .testTarget(name: "WorkerTests", dependencies: ["Worker"]),
    .testTarget(name: "CoordinatorTests", dependencies: ["Coordinator"]),
    .testTarget(name: "ComparisonTests", dependencies: ["Comparison"]),
    .testTarget(name: "RunTests", dependencies: ["Run"]),
    .testTarget(name: "CommandTests", dependencies: ["Command"]),
    .testTarget(name: "ClusterTests", dependencies: ["Command", "Run", "DeepFM", "Features"]),
  ],
  swiftLanguageModes: [.v6]
)
