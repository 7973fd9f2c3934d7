// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "TrainingLoop",
  platforms: [.macOS(.v15)],
  dependencies: [.package(name: "cairn", path: "../..")],
  targets: [
    .executableTarget(
      name: "TrainingLoop",
      dependencies: [
        .product(name: "Cairn", package: "cairn"),
        .product(name: "CairnSQLite", package: "cairn"),
        .product(name: "CairnTesting", package: "cairn"),
      ])
  ]
)
