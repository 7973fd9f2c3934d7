// swift-tools-version: 6.2
import PackageDescription

// Every Swift target is built in Swift 6 mode with warnings as errors.
let strict: [SwiftSetting] = [
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
]

// What a product needs of other packages comes with a trait, so that a package that wants Parquet
// alone (`traits: []`) resolves none of them. The default is all.
let forLoads = TargetDependencyCondition.when(traits: ["Loads"])
let forSQLite = TargetDependencyCondition.when(traits: ["SQLite"])
let forConnectors = TargetDependencyCondition.when(traits: ["Connectors"])
let forCommand = TargetDependencyCondition.when(traits: ["Command"])

let package = Package(
  name: "cairn",
  platforms: [.macOS(.v15)],
  products: [
    .library(name: "Parquet", targets: ["Parquet"]),
    .library(name: "Cairn", targets: ["Cairn"]),
    .library(name: "CairnSQLite", targets: ["CairnSQLite"]),
    .library(name: "CairnAlerts", targets: ["CairnAlerts"]),
    .library(name: "CairnConnectors", targets: ["CairnConnectors"]),
    .library(name: "CairnPostgres", targets: ["CairnPostgres"]),
    .library(name: "CairnTesting", targets: ["CairnTesting"]),
    .executable(name: "cairn", targets: ["CairnCLI"]),
  ],
  traits: [
    .default(enabledTraits: ["Command"]),
    .trait(
      name: "Loads",
      description: "What Cairn, CairnPostgres, CairnAlerts and CairnTesting need of other packages."
    ),
    .trait(
      name: "SQLite", description: "What CairnSQLite needs of other packages: GRDB.",
      enabledTraits: ["Loads"]),
    .trait(
      name: "Connectors",
      description: "What CairnConnectors needs of other packages: async-http-client, jwt-kit.",
      enabledTraits: ["Loads"]),
    .trait(
      name: "Command", description: "What the command cairn needs of other packages.",
      enabledTraits: ["Connectors", "SQLite"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    .package(url: "https://github.com/vapor/jwt-kit", from: "5.7.1"),
  ],
  targets: [
    // C libraries of the system.
    .systemLibrary(
      name: "CSnappy", pkgConfig: "snappy",
      providers: [.apt(["libsnappy-dev"]), .brew(["snappy"])]),
    .systemLibrary(
      name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"]), .brew(["zstd"])]),
    .systemLibrary(
      name: "CLZ4", pkgConfig: "liblz4", providers: [.apt(["liblz4-dev"]), .brew(["lz4"])]),
    .systemLibrary(
      name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),
    .systemLibrary(
      name: "CISAL", pkgConfig: "libisal", providers: [.apt(["libisal-dev"]), .brew(["isa-l"])]),
    .systemLibrary(
      name: "CBrotli", pkgConfig: "libbrotlidec",
      providers: [.apt(["libbrotli-dev"]), .brew(["brotli"])]),
    .systemLibrary(
      name: "CCurl", pkgConfig: "libcurl",
      providers: [.apt(["libcurl4-openssl-dev"]), .brew(["curl"])]),
    .systemLibrary(
      name: "CPostgres", pkgConfig: "libpq", providers: [.apt(["libpq-dev"]), .brew(["libpq"])]),
    .systemLibrary(name: "CMalloc"),
    .systemLibrary(name: "CSpawn"),

    // Libraries.
    .target(
      name: "Parquet", dependencies: ["CSnappy", "CZstd", "CLZ4", "CZlib", "CISAL", "CBrotli"],
      swiftSettings: strict),
    .target(
      name: "Cairn",
      dependencies: [
        "Parquet", "CZstd", "CISAL",
        .product(name: "Crypto", package: "swift-crypto", condition: forLoads),
        .product(name: "Logging", package: "swift-log", condition: forLoads),
        .product(name: "Metrics", package: "swift-metrics", condition: forLoads),
        .product(name: "Yams", package: "Yams", condition: forLoads),
      ],
      swiftSettings: strict),
    .target(
      name: "CairnSQLite",
      dependencies: [
        "Cairn",
        .product(name: "GRDB", package: "GRDB.swift", condition: forSQLite),
        .product(name: "GRDBSQLite", package: "GRDB.swift", condition: forSQLite),
      ],
      swiftSettings: strict),
    .target(name: "CairnAlerts", dependencies: ["Cairn", "CCurl"], swiftSettings: strict),
    .target(
      name: "CairnConnectors",
      dependencies: [
        "Cairn", "Parquet",
        .product(
          name: "AsyncHTTPClient", package: "async-http-client", condition: forConnectors),
        .product(name: "Crypto", package: "swift-crypto", condition: forLoads),
        .product(name: "JWTKit", package: "jwt-kit", condition: forConnectors),
      ],
      swiftSettings: strict),
    .target(
      name: "CairnPostgres", dependencies: ["Cairn", "Parquet", "CPostgres"],
      swiftSettings: strict),
    .target(
      name: "CairnTesting",
      dependencies: [
        "Cairn", "CSpawn", "CZlib",
        .product(name: "Crypto", package: "swift-crypto", condition: forLoads),
      ],
      swiftSettings: strict),

    // The command. Its product is `cairn`; the target is not, because module names that differ
    // only by case break on case-insensitive disks.
    .executableTarget(
      name: "CairnCLI",
      dependencies: [
        "Cairn", "CairnAlerts", "CairnConnectors", "CairnPostgres", "CairnSQLite", "CairnTesting",
        "CMalloc",
        .product(name: "ArgumentParser", package: "swift-argument-parser", condition: forCommand),
        .product(name: "GRDB", package: "GRDB.swift", condition: forSQLite),
        .product(name: "Logging", package: "swift-log", condition: forLoads),
        .product(name: "UnixSignals", package: "swift-service-lifecycle", condition: forCommand),
      ],
      swiftSettings: strict),

    // Programs that the bench measures.
    .executableTarget(
      name: "StageBench", dependencies: ["Cairn"], path: "Scripts/bench/StageBench",
      swiftSettings: strict),
    .executableTarget(
      name: "CairnBench", dependencies: ["Cairn"], path: "Scripts/bench/swift",
      swiftSettings: strict),

    // Tests mirror Sources.
    .testTarget(
      name: "ParquetTests", dependencies: ["Parquet"], exclude: ["Fixtures"],
      swiftSettings: strict),
    .testTarget(
      name: "CairnTests",
      dependencies: [
        "Cairn", "CairnTesting", "Parquet",
        .product(name: "Logging", package: "swift-log", condition: forLoads),
        .product(name: "Metrics", package: "swift-metrics", condition: forLoads),
      ],
      swiftSettings: strict),
    .testTarget(
      name: "CairnSQLiteTests",
      dependencies: [
        "CairnSQLite", "CairnTesting", "CommandParts", "batch-program", "job-program",
        .product(name: "GRDB", package: "GRDB.swift", condition: forSQLite),
      ],
      swiftSettings: strict),
    .target(
      name: "AlertPeers", dependencies: ["CairnTesting"], path: "Tests/AlertPeers",
      swiftSettings: strict),
    .target(
      name: "CommandParts", dependencies: ["Cairn", "CairnTesting"], path: "Tests/CommandParts",
      swiftSettings: strict),
    // A processor of entity batches that tests kill.
    .executableTarget(
      name: "batch-program",
      dependencies: ["Cairn", "CairnPostgres", "CairnSQLite", "CairnTesting"],
      path: "Tests/BatchProgram", swiftSettings: strict),
    // Examples, which tests kill.
    .executableTarget(
      name: "stock-pipeline", dependencies: ["Cairn", "CairnSQLite", "CairnTesting"],
      path: "Examples/StockPipeline", swiftSettings: strict),
    .executableTarget(
      name: "training-loop", dependencies: ["Cairn", "CairnSQLite", "CairnTesting"],
      path: "Examples/TrainingLoop", swiftSettings: strict),
    // A cursor job over a scripted API that tests kill.
    .executableTarget(
      name: "job-program",
      dependencies: ["Cairn", "CairnPostgres", "CairnSQLite", "CairnTesting", "CommandParts"],
      path: "Tests/JobProgram", swiftSettings: strict),
    .testTarget(
      name: "CairnAlertsTests", dependencies: ["AlertPeers", "CairnAlerts", "CairnSQLite"],
      swiftSettings: strict),
    // A job of a connector that tests kill.
    .executableTarget(
      name: "connector-program",
      dependencies: ["Cairn", "CairnConnectors", "CairnPostgres", "CairnSQLite", "CairnTesting"],
      path: "Tests/ConnectorProgram", swiftSettings: strict),
    .testTarget(
      name: "CairnConnectorsTests",
      dependencies: [
        "CairnConnectors", "CairnSQLite", "CairnTesting", "CommandParts", "connector-program",
      ],
      swiftSettings: strict),
    .testTarget(
      name: "CairnPostgresTests",
      dependencies: [
        "CairnCLI", "CairnPostgres", "CPostgres", "CairnTesting", "CommandParts", "Parquet",
        "batch-program", "job-program",
      ],
      swiftSettings: strict),
    .testTarget(
      name: "CairnTestingTests", dependencies: ["Cairn", "CairnTesting", "Parquet"],
      swiftSettings: strict),
    .testTarget(
      name: "CairnCLITests",
      dependencies: [
        "AlertPeers", "CairnCLI", "CairnSQLite", "CairnTesting", "CommandParts", "stock-pipeline",
        "training-loop",
      ],
      swiftSettings: strict),
    .testTarget(
      name: "ExampleTests",
      dependencies: [
        "Cairn", "CairnSQLite", "CairnTesting", "CommandParts", "stock-pipeline", "training-loop",
      ],
      swiftSettings: strict),
  ],
  swiftLanguageModes: [.v6]
)
