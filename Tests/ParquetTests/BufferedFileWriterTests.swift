import Testing

@testable import Parquet

@Suite struct BufferedFileWriterTests {
  private static let schema = FileSchema(columns: [
    ColumnDescriptor(name: "id", physicalType: .int64, isOptional: false), .string("text"),
  ])

  private static func batch(_ rows: Range<Int>) -> [ColumnVector] {
    [
      ColumnVector(values: .int64(rows.map { Int64($0) })),
      ColumnVector(
        values: .byteArray(ByteStrings(rows.map { "value \($0)" })),
        indices: rows.map { $0 % 5 == 2 ? ColumnVector.null : UInt32($0 - rows.lowerBound) }),
    ]
  }

  private static func read(_ bytes: [UInt8]) throws -> [(Int64, String?)] {
    let reader = try FileReader(bytes: ByteStorage(copying: bytes))
    return try reader.metadata.rowGroups.indices.flatMap { group in
      let id = try reader.readColumn(0, rowGroup: group)
      let text = try reader.readColumn(1, rowGroup: group)
      guard case .int64(let ids) = id.values, case .byteArray(let strings) = text.values else {
        return [(Int64, String?)]()
      }
      return (0..<id.rowCount).map { row in
        let index = text.indices?[row] ?? UInt32(row)
        return (
          ids[Int(id.indices?[row] ?? UInt32(row))],
          index == ColumnVector.null ? nil : strings[Int(index)]
        )
      }
    }
  }

  @Test(arguments: [[1000], [0, 1, 0, 999], [100, 100, 300, 500], [99, 102, 799]])
  func rowGroupsDoNotDependOnBatches(sizes: [Int]) throws {
    var writer = try BufferedFileWriter(
      output: MemoryOutput(), schema: Self.schema, limits: RowGroupLimits(rowCount: 100))
    var row = 0
    for size in sizes {
      try writer.append(Self.batch(row..<row + size))
      row += size
      #expect(writer.rowCount == Int64(row))
      #expect(writer.bufferedRowCount == row % 100)
    }
    let summary = try writer.finish(keyValues: [("key", "value")])
    #expect(summary.rowCount == 1000)
    let bytes = writer.output.bytes
    let metadata = try FileReader(bytes: ByteStorage(copying: bytes)).metadata
    #expect(metadata.rowGroups.map(\.rowCount) == [Int64](repeating: 100, count: 10))
    #expect(metadata.value(forKey: "key") == "value")
    let rows = try Self.read(bytes)
    #expect(rows.map(\.0) == (0..<1000).map { Int64($0) })
    #expect(rows.map(\.1) == (0..<1000).map { $0 % 5 == 2 ? nil : "value \($0)" })
  }

  @Test func bytesEndRowGroupsToo() throws {
    let schema = FileSchema(columns: [.string("text", isOptional: false)])
    var writer = try BufferedFileWriter(
      output: MemoryOutput(), schema: schema,
      options: WriterOptions(codec: .uncompressed, buildsDictionaries: false),
      limits: RowGroupLimits(rowCount: 1 << 20, byteCount: 10_000))
    let sizes = (0..<300).map { $0 == 150 ? 20_000 : $0 % 500 }
    let values = sizes.map { String(repeating: "x", count: $0) }
    var most = 0
    for start in stride(from: 0, to: 300, by: 30) {
      try writer.append([
        ColumnVector(values: .byteArray(ByteStrings(values[start..<start + 30])))
      ])
      most = max(most, writer.bufferedByteCount)
    }
    _ = try writer.finish()
    #expect(most <= 20_100)  // the row that alone is beyond the limit
    let reader = try FileReader(bytes: ByteStorage(copying: writer.output.bytes))
    var row = 0
    for (index, group) in reader.metadata.rowGroups.enumerated() {
      let rows = row..<row + Int(group.rowCount)
      let bytes = sizes[rows].reduce(0, +) + rows.count * 8
      #expect(bytes <= 10_000 || rows.count == 1)
      // One row more, which might need an index, would have been too much.
      if rows.upperBound < 300 { #expect(bytes + sizes[rows.upperBound] + 12 > 10_000) }
      guard case .byteArray(let strings) = try reader.readColumn(0, rowGroup: index).values else {
        Issue.record("no strings")
        return
      }
      #expect((0..<strings.count).map { strings[$0] } == Array(values[rows]))
      row = rows.upperBound
    }
    #expect(row == 300)
  }

  /// A dictionary that comes with every batch, or in pieces of one, is there once in a row group.
  @Test func equalValuesOfBatchesAreWrittenOnce() throws {
    let values = ByteStrings((0..<100).map { "a value that many rows share: \($0)" })
    var writer = try BufferedFileWriter(
      output: MemoryOutput(), schema: FileSchema(columns: [.string("text")]))
    for batch in 0..<50 {
      try writer.append([
        ColumnVector(
          values: .byteArray(values), indices: (0..<200).map { UInt32(($0 + batch) % 100) })
      ])
    }
    _ = try writer.finish()
    let reader = try FileReader(bytes: ByteStorage(copying: writer.output.bytes))
    let chunk = reader.metadata.rowGroups[0].columns[0]
    #expect(chunk.statistics?.distinctCount == 100)
    #expect(try reader.readColumn(0, rowGroup: 0).values.count == 100)
  }

  @Test func aRowGroupCanBeEndedByHand() throws {
    var writer = try BufferedFileWriter(output: MemoryOutput(), schema: Self.schema)
    try writer.endRowGroup()
    try writer.append(Self.batch(0..<3))
    try writer.endRowGroup()
    try writer.append(Self.batch(3..<10))
    _ = try writer.finish()
    let bytes = writer.output.bytes
    let metadata = try FileReader(bytes: ByteStorage(copying: bytes)).metadata
    #expect(metadata.rowGroups.map(\.rowCount) == [3, 7])
    #expect(try Self.read(bytes).count == 10)
  }

  @Test func limitsThatMakeNoSenseAreErrors() {
    for limits in [
      RowGroupLimits(rowCount: 0), RowGroupLimits(byteCount: 0), RowGroupLimits(rowCount: .max),
      RowGroupLimits(byteCount: -1),
    ] {
      do {
        _ = try BufferedFileWriter(output: MemoryOutput(), schema: Self.schema, limits: limits)
        Issue.record("accepted \(limits)")
      } catch {}
    }
  }

  /// Every way to fail leaves bytes that no reader takes for a file, and a writer that stays failed.
  @Test func afterAnErrorThereIsNoFooter() throws {
    let good = Self.batch(0..<150)
    let bad: [[ColumnVector]] = [
      [],  // columns are missing
      [good[0]],
      [good[1], good[0]],  // of other types
      [good[0], Self.batch(0..<149)[1]],  // of other lengths
      [
        good[0],
        ColumnVector(values: good[1].values, indices: [UInt32](repeating: 150, count: 150)),
      ],
      [  // no value where there must be one
        ColumnVector(values: good[0].values, indices: [UInt32](repeating: .max, count: 150)),
        good[1],
      ],
      [good[0], ColumnVector(values: good[1].values, lists: ListRows(offsets: [0, 150]))],
    ]
    for (number, batch) in bad.enumerated() {
      var writer = try BufferedFileWriter(
        output: MemoryOutput(), schema: Self.schema, limits: RowGroupLimits(rowCount: 100))
      try writer.append(good)
      do {
        try writer.append(batch)
        _ = try writer.finish()
        Issue.record("accepted batch \(number)")
      } catch let error as ParquetError { #expect(error.kind == .invalidValues) }
      for attempt in 0..<2 {
        do {
          if attempt == 0 { try writer.append(good) } else { _ = try writer.finish() }
          Issue.record("went on after batch \(number)")
        } catch let error as ParquetError { #expect(error.kind == .misuse) }
      }
      let bytes = writer.output.bytes
      #expect(throws: ParquetError.self) { try FileReader(bytes: ByteStorage(copying: bytes)) }
    }
  }

  /// Rows that come after the footer are refused, even those that would only wait for a row group.
  @Test func nothingIsTakenAfterTheEnd() throws {
    var writer = try BufferedFileWriter(
      output: MemoryOutput(), schema: Self.schema, limits: RowGroupLimits(rowCount: 100))
    try writer.append(Self.batch(0..<150))
    #expect(try writer.finish().rowCount == 150)
    let bytes = writer.output.bytes
    for attempt in 0..<4 {
      do {
        switch attempt {
        case 0: try writer.append(Self.batch(0..<1))
        case 1: try writer.append(Self.batch(0..<100))
        case 2: try writer.endRowGroup()
        default: _ = try writer.finish()
        }
        Issue.record("attempt \(attempt) was taken")
      } catch let error as ParquetError {
        #expect(error.kind == .misuse && error.found == "one that has finished")
      }
    }
    #expect(writer.bufferedRowCount == 0 && writer.rowCount == 150)
    #expect(writer.output.bytes == bytes)
    #expect(try FileReader(bytes: ByteStorage(copying: bytes)).metadata.rowCount == 150)
  }

  /// Wherever the output fails, the file is not one, or it is whole.
  @Test(arguments: DataPageVersion.allCases)
  func anOutputThatFailsLeavesNoFile(version: DataPageVersion) throws {
    struct FailingOutput: ByteOutput {
      struct Full: Error {}
      var room: Int
      var bytes: [UInt8] = []

      mutating func append(_ added: UnsafeRawBufferPointer) throws {
        bytes.append(contentsOf: added.prefix(room))
        guard added.count <= room else { throw Full() }
        room -= added.count
      }

      mutating func flush() {}
    }
    let schema = FileSchema(columns: [
      ColumnDescriptor(name: "id", physicalType: .int64, isOptional: false), .string("text"),
      ColumnDescriptor(name: "list", physicalType: .int32, list: ListShape()),
    ])
    let list = ColumnVector(
      values: .int32(Array(0..<60)), lists: ListRows(offsets: (0...30).map { $0 * 2 }))
    var room = 0
    var isFinished = false
    while !isFinished {
      var writer = try BufferedFileWriter(
        output: FailingOutput(room: room), schema: schema,
        options: WriterOptions(codec: .uncompressed, dataPages: version, pageByteLimit: 100),
        limits: RowGroupLimits(rowCount: 20))
      do {
        try writer.append(Self.batch(0..<30) + [list])
        _ = try writer.finish()
        isFinished = true
      } catch is FailingOutput.Full {
        do {
          _ = try writer.finish()
          Issue.record("finished after \(room) bytes")
        } catch let error as ParquetError { #expect(error.kind == .misuse) }
        let bytes = writer.output.bytes
        #expect(bytes.count == room)
        #expect(throws: ParquetError.self) { try FileReader(bytes: ByteStorage(copying: bytes)) }
      }
      room += 1
    }
    #expect(room > 1000)
  }
}
