// swift-tools-version: 6.2
import PackageDescription

// Parquet alone: without traits, none of the packages that Cairn's loads need is resolved.
let package = Package(
  name: "Prices",
  platforms: [.macOS(.v15)],
  dependencies: [.package(name: "cairn", path: "../..", traits: [])],
  targets: [
    .executableTarget(
      name: "Prices", dependencies: [.product(name: "Parquet", package: "cairn")])
  ]
)
