// swift-tools-version: 6.2
import PackageDescription

// What `bench.py` runs for its section "parquet": the library alone, as a user builds it.
let package = Package(
  name: "parquet-bench",
  platforms: [.macOS(.v15)],
  dependencies: [.package(name: "cairn", path: "../../..", traits: [])],
  targets: [
    .executableTarget(
      name: "parquet-bench", dependencies: [.product(name: "Parquet", package: "cairn")])
  ]
)
