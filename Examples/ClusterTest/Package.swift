// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "ClusterTest",
  dependencies: [.package(name: "deepfm", path: "../..")],
  targets: [
    .testTarget(
      name: "ClusterTest",
      dependencies: [
        .product(name: "Run", package: "deepfm"),
        // The program that plays servers and workers, built beside the test.
        .product(name: "deepfm", package: "deepfm"),
      ])
  ],
  swiftLanguageModes: [.v6]
)
