// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "StockPipeline",
  platforms: [.macOS(.v15)],
  dependencies: [.package(name: "cairn", path: "../..")],
  targets: [
    .executableTarget(
      name: "StockPipeline",
      dependencies: [
        .product(name: "Cairn", package: "cairn"),
        .product(name: "CairnSQLite", package: "cairn"),
        .product(name: "CairnTesting", package: "cairn"),
      ]),
    .testTarget(
      name: "StockPipelineTests",
      dependencies: [
        "StockPipeline",
        .product(name: "Cairn", package: "cairn"),
        .product(name: "CairnSQLite", package: "cairn"),
        .product(name: "CairnTesting", package: "cairn"),
      ]),
  ]
)
