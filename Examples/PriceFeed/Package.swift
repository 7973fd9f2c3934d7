// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "PriceFeed",
  platforms: [.macOS(.v15)],
  dependencies: [.package(name: "cairn", path: "../..", traits: ["SQLite"])],
  targets: [
    .executableTarget(
      name: "PriceFeed",
      dependencies: [
        .product(name: "Cairn", package: "cairn"),
        .product(name: "CairnSQLite", package: "cairn"),
      ])
  ]
)
