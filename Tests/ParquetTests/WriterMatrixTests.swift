import Foundation
import Testing

@testable import Parquet

/// pyarrow, DuckDB, polars, fastparquet and we ourselves read the same values from our files, whatever types,
/// encodings, codecs, page versions, nulls, lists and sizes they have.
@Suite struct WriterMatrixTests {
  struct CaseColumn: Encodable {
    var name: String
    var column: Int
    /// What we read of it ourselves, a part a row group.
    var parts: [Int]
    var excluded: [String]
    var encoding: String?
  }

  struct Case: Encodable {
    var file: String
    var columns: [CaseColumn]
  }

  struct Expected: Encodable {
    var peers = PeerExclusion.peers
    var columns: [ColumnHandover.Column]
    var files: [Case]
  }

  /// Files in a folder, and what they hold.
  struct Files {
    let folder: TemporaryFolder
    let handover = ColumnHandover()
    var cases: [Case] = []

    init() throws { folder = try TemporaryFolder() }

    mutating func add(
      _ name: String, _ bytes: [UInt8], _ columns: [(column: MatrixColumn, number: Int)],
      _ options: WriterOptions, isForPyArrowOnly: Bool = false
    ) throws {
      try Data(bytes).write(to: folder.url.appending(path: name))
      let reader = try FileReader(bytes: ByteStorage(copying: bytes))
      let groups = reader.metadata.rowGroups
      cases.append(
        Case(
          file: name,
          columns: try columns.enumerated().map { index, item in
            let (column, number) = item
            let encoding = options.columnEncodings[column.descriptor.name]
            let encodings = Set(groups.flatMap { $0.columns[index].encodings })
            let ofPages = Set(groups.map { $0.columns[index].encodings.last })
            return CaseColumn(
              name: column.descriptor.name, column: number,
              parts: try groups.indices.map {
                handover.add(try reader.readColumn(index, rowGroup: $0), as: column.descriptor)
              },
              excluded: isForPyArrowOnly
                ? PeerExclusion.peers.filter { $0 != "pyarrow" }
                : PeerExclusion.of(
                  PeerCase(
                    column: column, encodings: encodings, isMixed: ofPages.count > 1,
                    version: options.dataPages)),
              encoding: encoding.map(WriterInteroperabilityTests.name))
          }))
    }

    /// Lets the peers read all files.
    func check() async throws -> [String] {
      try handover.write(to: folder.url.appending(path: "expected.bin"))
      let expected = Expected(columns: handover.columns, files: cases)
      try JSONEncoder().encode(expected).write(to: folder.url.appending(path: "expected.json"))
      return try await PythonPeers.run("parquet_matrix.py", ["check", folder.url.path])
    }
  }

  private static func bytes(
    _ columns: [MatrixColumn], _ options: WriterOptions
  ) throws -> [UInt8] {
    var writer = try FileWriter(
      output: MemoryOutput(), schema: FileSchema(columns: columns.map(\.descriptor)),
      options: options)
    try writer.writeRowGroup(columns.map(\.vector))
    _ = try writer.finish()
    return writer.output.bytes
  }

  /// All types with all patterns of nulls and lists.
  private static func columns(rows: Int, distinct: Int?, isPlain: Bool) -> [MatrixColumn] {
    TestType.matrix.enumerated().flatMap { index, type in
      NullPattern.allCases.filter { type.logicalType != .unknown || $0 != .required }.map {
        MatrixColumn(type, rows: rows, nulls: $0, distinct: distinct, isPlain: isPlain)
      }
        + ListPattern.allCases.enumerated().map { turn, list in
          let nulls = [NullPattern.none, .required, .alternating, .runs, .all][
            (index + turn) % 5]
          return MatrixColumn(
            type, rows: rows, nulls: type.logicalType == .unknown ? .all : nulls,
            distinct: distinct, isPlain: isPlain, list: list)
        }
    }
  }

  /// Every type and pattern with every codec, page version and encoding, at a size that changes from file
  /// to file; with `CAIRN_TEST_MATRIX=whole` at every size.
  @Test func peersReadEveryCombination() async throws {
    let sizes = [0, 1, 7, 8, 9, 63, 64, 65, 129, 400]
    let isWhole = ProcessInfo.processInfo.environment["CAIRN_TEST_MATRIX"] == "whole"
    for part in isWhole ? sizes.map({ [$0] }) : [sizes] {
      var files = try Files()
      try Self.addCombinations(to: &files, sizes: part, isWhole: isWhole)
      if part.last == sizes.last {
        try Self.addLarge(to: &files)
        try Self.addBSON(to: &files)
      }
      let problems = try await files.check()
      #expect(problems.isEmpty, "\(problems.joined(separator: "\n"))")
    }
  }

  /// - Parameters:
  ///   - sizes: Numbers of rows, which files have in turn.
  ///   - isWhole: Whether each codec meets each column with each encoding, instead of half of them.
  private static func addCombinations(
    to files: inout Files, sizes: [Int], isWhole: Bool
  ) throws {
    let codecs: [Codec] = [
      .uncompressed, .snappy, .gzip, .zstd(level: 1), .zstd(level: -3), .lz4Raw,
      .brotli(quality: 3),
    ]
    let limits = [1 << 20, 64, 1, 1000]
    var made: [String: [(column: MatrixColumn, number: Int)]] = [:]
    var turn = 0
    for (versionNumber, version) in DataPageVersion.allCases.enumerated() {
      for (codecNumber, codec) in codecs.enumerated() {
        for layout in 0..<6 {
          let rows = sizes[turn * 3 % sizes.count]
          let distinct = [3, nil, 40][turn % 3]
          let isPlain = turn / 2 % 2 == 0
          let key = "\(rows) \(distinct ?? 0) \(isPlain)"
          let all =
            made[key]
            ?? Self.columns(rows: rows, distinct: distinct, isPlain: isPlain).map {
              ($0, files.handover.add($0.vector, as: $0.descriptor))
            }
          made[key] = all
          // Each codec with every other column: each column with half of them.
          let columns = all.enumerated().filter {
            isWhole || ($0.offset + versionNumber + codecNumber + layout) % 2 == 0
          }.map(\.element)
          var options = WriterOptions(
            codec: codec, dataPages: version, pageByteLimit: limits[turn % limits.count])
          switch layout {
          case 0..<4:
            for (column, _) in columns {
              let possible = Encoding.allCases.filter { $0.writes(column.type.physicalType) }
              options.columnEncodings[column.descriptor.name] = possible[layout % possible.count]
            }
          case 4: options.encodingPolicy = .fast
          default: options.encodingPolicy = .smallest
          }
          turn += 1
          try files.add(
            "\(version)-\(codec)-\(layout)-\(rows)-\(turn).parquet",
            try Self.bytes(columns.map(\.column), options), columns, options)
        }
      }
    }
  }

  /// DuckDB does not open a file with such a column, and fastparquet parses documents.
  private static func addBSON(to files: inout Files) throws {
    let type = TestType.strings("bson", .bson, arrow: nil) { "\u{5}\0\0\0\0\($0)" }
    let columns = NullPattern.allCases.map {
      MatrixColumn(type, rows: 65, nulls: $0, distinct: 7, isPlain: false)
    }
    try files.add(
      "bson.parquet", try bytes(columns, WriterOptions()),
      columns.map { ($0, files.handover.add($0.vector, as: $0.descriptor)) }, WriterOptions(),
      isForPyArrowOnly: true)
  }

  /// More rows than a page may have.
  private static func addLarge(to files: inout Files) throws {
    let rows = (1 << 20) + 1
    let text = (0..<1000).map { "value \($0)" }
    var isNull = [Bool](repeating: false, count: rows)
    var offsets: [UInt32] = [0]
    for row in 0..<rows {
      isNull[row] = row % 11 == 0
      offsets.append(offsets[row] + (isNull[row] ? 0 : UInt32(row % 3)))
    }
    let elements = Int(offsets[rows])
    func type(_ name: String) throws -> TestType {
      try #require(TestType.matrix.first { $0.name == name })
    }
    func column(_ name: String, _ vector: ColumnVector, list: ListShape? = nil) throws
      -> MatrixColumn
    {
      let type = try type(name)
      var column = MatrixColumn(type, rows: 0, nulls: .none, distinct: nil, isPlain: true)
      column.vector = vector
      column.descriptor.list = list
      column.descriptor.name = list == nil ? name : "\(name)_list"
      return column
    }
    let columns = [
      try column("int64", ColumnVector(values: .int64((0..<rows).map { Int64($0) * 3 }))),
      try column(
        "double",
        ColumnVector(
          values: .double((0..<rows).map { Double($0) / 7 }),
          indices: (0..<rows).map { $0 % 5 == 1 ? ColumnVector.null : UInt32($0) })),
      try column("bool", ColumnVector(values: .boolean((0..<rows).map { $0 / 3000 % 2 == 0 }))),
      try column(
        "string",
        ColumnVector(
          values: .byteArray(ByteStrings(text)), indices: (0..<rows).map { UInt32($0 % 999) })),
      try column(
        "sorted",
        ColumnVector(values: .byteArray(ByteStrings((0..<rows).lazy.map { text[$0 * 7 % 1000] })))),
      try column(
        "int32",
        ColumnVector(
          values: .int32((0..<elements).map { Int32(truncatingIfNeeded: $0 &* 77) }),
          lists: ListRows(offsets: offsets, isNull: isNull)), list: ListShape()),
    ]
    let numbered = columns.map { ($0, files.handover.add($0.vector, as: $0.descriptor)) }
    for version in DataPageVersion.allCases {
      for policy in [EncodingPolicy.fast, .smallest] {
        let options = WriterOptions(
          codec: .zstd(level: 1), encodingPolicy: policy, dataPages: version,
          pageByteLimit: policy == .fast ? 1 << 26 : 1 << 16)
        try files.add(
          "large-\(version)-\(policy).parquet", try bytes(columns, options), numbered, options)
      }
    }
  }

  @Test func peersReadRandomFiles() async throws {
    let environment = ProcessInfo.processInfo.environment["CAIRN_TEST_SEED"]
    let seed = environment.flatMap { UInt64($0) } ?? UInt64.random(in: 0..<1_000_000)
    print("peersReadRandomFiles: CAIRN_TEST_SEED=\(seed)")
    var files = try Files()
    for number in 0..<200 {
      var generator = SeededGenerator(seed &* 1000 &+ UInt64(number))
      try Self.addRandom("random-\(seed)-\(number).parquet", to: &files, using: &generator)
    }
    let problems = try await files.check()
    #expect(problems.isEmpty, "seed \(seed): \(problems.joined(separator: "\n"))")
  }

  private static func addRandom(
    _ name: String, to files: inout Files, using generator: inout SeededGenerator
  ) throws {
    let mostRows = generator.pick([1, 20, 300, 1500])
    let rows = Int.random(in: 0...mostRows, using: &generator)
    var options = WriterOptions()
    options.codec =
      generator.pick([
        .uncompressed, .snappy, .gzip, .zstd(level: 3), .lz4Raw, .brotli(quality: 5),
      ])
    options.dataPages = Bool.random(using: &generator) ? .v1 : .v2
    options.encodingPolicy = Bool.random(using: &generator) ? .fast : .smallest
    options.pageByteLimit = generator.pick([1, 30, 500, 1 << 20])
    options.dictionaryByteLimit = generator.pick([1, 100, 4 << 20])
    options.buildsDictionaries = Bool.random(using: &generator)
    options.pageIndex = Bool.random(using: &generator)
    var columns: [MatrixColumn] = []
    for index in 0..<Int.random(in: 1...6, using: &generator) {
      let type = generator.pick(TestType.matrix)
      let nulls = generator.pick(NullPattern.allCases)
      let column = MatrixColumn(
        type, rows: rows, nulls: type.logicalType == .unknown ? .all : nulls,
        distinct: generator.pick([1, 2, 30, nil]),
        isPlain: Bool.random(using: &generator),
        list: Int.random(in: 0..<3, using: &generator) == 0
          ? generator.pick(ListPattern.allCases) : nil,
        name: "\(index) \(type.name)")
      if Int.random(in: 0..<3, using: &generator) == 0 {
        let possible = Encoding.allCases.filter { $0.writes(type.physicalType) }
        options.columnEncodings[column.descriptor.name] = generator.pick(possible)
      }
      if Int.random(in: 0..<4, using: &generator) == 0, type.physicalType != .boolean {
        options.bloomFilters[column.descriptor.name] = 0.01
      }
      columns.append(column)
    }
    var writer = try BufferedFileWriter(
      output: MemoryOutput(), schema: FileSchema(columns: columns.map(\.descriptor)),
      options: options,
      limits: RowGroupLimits(
        rowCount: generator.pick([1, 7, 100, 1 << 20]),
        byteCount: generator.pick([1, 500, 1 << 27])), threads: generator.pick([1, 2]))
    var row = 0
    while row < rows {
      let most = generator.pick([1, 50, rows])
      let end = min(rows, row + Int.random(in: 0...most, using: &generator))
      try writer.append(columns.map { $0.vector.rows(row..<end) })
      row = end
    }
    _ = try writer.finish()
    try files.add(
      name, writer.output.bytes,
      columns.map { ($0, files.handover.add($0.vector, as: $0.descriptor)) }, options)
  }
}
