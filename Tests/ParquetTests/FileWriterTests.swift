import Foundation
import Testing

@testable import Parquet

@Suite struct FileWriterTests {
  /// An output that fails after so many bytes.
  struct FullOutput: ByteOutput {
    struct Full: Error {}
    var room: Int

    mutating func append(_ bytes: UnsafeRawBufferPointer) throws {
      guard bytes.count <= room else { throw Full() }
      room -= bytes.count
    }

    mutating func flush() {}
  }

  private static func strings(_ values: [String], _ indices: [UInt32]) -> ColumnVector {
    ColumnVector(values: .byteArray(ByteStrings(values)), indices: indices)
  }

  private static let schema = FileSchema(columns: [.string("a")])

  private static func written(
    _ vector: ColumnVector, _ column: ColumnDescriptor = .string("a"),
    _ options: WriterOptions = WriterOptions()
  ) throws -> FileReader {
    var writer = try FileWriter(
      output: MemoryOutput(), schema: FileSchema(columns: [column]), options: options)
    try writer.writeRowGroup([vector])
    _ = try writer.finish()
    return try FileReader(bytes: ByteStorage(copying: writer.output.bytes))
  }

  @Test func anUnfinishedFileIsNotRead() throws {
    var writer = try FileWriter(output: MemoryOutput(), schema: Self.schema)
    try writer.writeRowGroup([Self.strings(["x"], [0, 0])])
    let bytes = writer.output.bytes
    #expect(throws: ParquetError.self) { try FileReader(bytes: ByteStorage(copying: bytes)) }
  }

  @Test func afterAnErrorThereIsNoFooter() throws {
    var full = try FileWriter(output: FullOutput(room: 20), schema: Self.schema)
    do {
      try full.writeRowGroup([Self.strings(["something longer than the room"], [0])])
      Issue.record("a full output took everything")
    } catch is FullOutput.Full {}
    do {
      _ = try full.finish()
      Issue.record("finished after an error")
    } catch let error as ParquetError { #expect(error.kind == .misuse) }

    var wrong = try FileWriter(output: MemoryOutput(), schema: Self.schema)
    do {
      try wrong.writeRowGroup([ColumnVector(values: .int32([1]))])
      Issue.record("wrote numbers as strings")
    } catch let error as ParquetError {
      #expect(error.kind == .invalidValues)
      #expect(error.column == "a")
    }
    do {
      _ = try wrong.finish()
      Issue.record("finished after an error")
    } catch let error as ParquetError { #expect(error.kind == .misuse) }
  }

  @Test func valuesThatDoNotFitAreErrors() throws {
    func refuses(_ columns: [ColumnVector], _ schema: FileSchema) throws {
      var writer = try FileWriter(output: MemoryOutput(), schema: schema)
      do {
        try writer.writeRowGroup(columns)
        Issue.record("wrote \(columns)")
      } catch let error as ParquetError { #expect(error.kind == .invalidValues) }
    }
    let required = FileSchema(columns: [.string("a", isOptional: false)])
    try refuses([Self.strings(["x"], [0, ColumnVector.null])], required)
    try refuses([Self.strings(["x"], [0, 1])], Self.schema)
    try refuses([], Self.schema)
    let fixed = FileSchema(columns: [
      ColumnDescriptor(name: "f", physicalType: .fixedLengthByteArray, fixedLength: 2)
    ])
    try refuses([ColumnVector(values: .fixedLengthByteArray(ByteStrings(["xy", "z"])))], fixed)
    let two = FileSchema(columns: [.string("a"), .string("b")])
    try refuses([Self.strings(["x"], [0]), Self.strings(["x"], [0, 0])], two)
  }

  @Test func schemasThatMakeNoSenseAreErrors() {
    let columns: [[ColumnDescriptor]] = [
      [],
      [.string("a"), .string("a")],
      [ColumnDescriptor(name: "f", physicalType: .fixedLengthByteArray)],
      [ColumnDescriptor(name: "d", physicalType: .int64, logicalType: .date)],
      [
        ColumnDescriptor(
          name: "d", physicalType: .int32, logicalType: .decimal(precision: 10, scale: 0))
      ],
      [ColumnDescriptor(name: "s", physicalType: .int32, fixedLength: 4)],
    ]
    for columns in columns {
      do {
        _ = try FileWriter(output: MemoryOutput(), schema: FileSchema(columns: columns))
        Issue.record("accepted \(columns)")
      } catch {}
    }
  }

  @Test func theDictionaryIsTheUsedValues() throws {
    let values = (0..<100).map { "value number \($0)" }
    let indices = (0..<1000).map { UInt32([7, 3, 99][$0 % 3]) }
    var vector = Self.strings(values, indices)
    vector.valuesAreDistinct = true
    let reader = try Self.written(vector)
    let back = try reader.readColumn(0, rowGroup: 0)
    guard case .byteArray(let strings) = back.values else {
      Issue.record("no byte arrays")
      return
    }
    #expect((0..<strings.count).map { strings[$0] } == [values[3], values[7], values[99]])
    #expect(back.indices == (0..<1000).map { UInt32([1, 0, 2][$0 % 3]) })
    let statistics = reader.metadata.rowGroups[0].columns[0].statistics
    #expect(statistics?.distinctCount == 3)
    #expect(statistics?.minValue == Array(values[3].utf8))
    #expect(statistics?.maxValue == Array(values[99].utf8))
  }

  @Test func aConstantColumnIsTiny() throws {
    let indices = [UInt32](repeating: 0, count: 1_000_000)
    let reader = try Self.written(
      Self.strings(["constant"], indices), .string("a"), WriterOptions(codec: .uncompressed))
    #expect(reader.metadata.rowGroups[0].columns[0].compressedByteCount < 120)
    #expect(try reader.readColumn(0, rowGroup: 0).indices == indices)
  }

  @Test func nearlyUniqueValuesAreNotDictionaryCoded() throws {
    let values = (0..<1000).map { "number \($0 * 7919 % 1000)" }
    let vector = Self.strings(values, (0..<1000).map { UInt32($0) })
    for policy in [EncodingPolicy.fast, .smallest] {
      let reader = try Self.written(vector, .string("a"), WriterOptions(encodingPolicy: policy))
      #expect(reader.metadata.rowGroups[0].columns[0].dictionaryPageOffset == nil)
    }
  }

  @Test func smallestIsNeverLargerThanFast() throws {
    let sorted = (0..<5000).map { "4500\($0 + 100_000)" }
    let vector = Self.strings(sorted, (0..<5000).map { UInt32($0) })
    let sizes = try [EncodingPolicy.fast, .smallest].map { policy in
      try Self.written(
        vector, .string("a"), WriterOptions(codec: .zstd(level: 1), encodingPolicy: policy)
      ).metadata.rowGroups[0].columns[0].compressedByteCount
    }
    #expect(sizes[1] * 2 < sizes[0])  // sorted keys gain much
  }

  @Test func boundsAreThoseOfAllPages() throws {
    // Shared starts of eight bytes and more, values that are the start of others, empty ones.
    var values = (0..<3000).map { row in
      let number = row * 7919 % 3000
      return switch row % 4 {
      case 0: "\(number)"
      case 1: "a shared start \(number)"
      case 2: String(repeating: "k", count: number % 90)
      default: "a sha"
      }
    }
    for least in ["", "!", "!"] {
      for encoding in [Encoding.plain, .rleDictionary] {
        let options = WriterOptions(columnEncodings: ["a": encoding], pageByteLimit: 500)
        let indices = (0..<3000).map { $0 % 5 == 0 ? ColumnVector.null : UInt32($0) }
        let chunk = try Self.written(
          Self.strings(values, indices), .string("a"), options
        ).metadata.rowGroups[0].columns[0]
        #expect(chunk.uncompressedByteCount > 20 * 500)  // many pages
        let held = values.enumerated().filter { $0.offset % 5 != 0 }.map { Array($0.element.utf8) }
        let smallest = try #require(held.min { $0.lexicographicallyPrecedes($1) })
        let largest = try #require(held.max { $0.lexicographicallyPrecedes($1) })
        let statistics = try #require(chunk.statistics)
        #expect(statistics.minValue == smallest)
        #expect(statistics.maxValue == (largest.count > 64 ? largest.prefix(63) + [0x6C] : largest))
        #expect(statistics.isMaxValueExact == (largest.count <= 64))
      }
      // Now without empty values, and with bounds in the last page and on a null row.
      values = values.map { $0.isEmpty ? "0" : $0 }
      values[2999] = least + "!"
      values[2995] = "~"
    }
  }

  @Test func boundsOfLongValues() {
    func upper(_ bytes: [UInt8]) -> [UInt8]? {
      bytes.withUnsafeBytes { StatisticsWriter.upperBound($0) }
    }
    func upper(_ text: String) -> String? {
      upper(Array(text.utf8)).map { String(decoding: $0, as: UTF8.self) }
    }
    let long = String(repeating: "a", count: 100)
    #expect(upper(long) == String(repeating: "a", count: 63) + "b")
    // A character is not cut in two: 21 of three bytes fit.
    #expect(
      upper(String(repeating: "€", count: 30)) == String(repeating: "€", count: 20) + "\u{20AD}")
    // The next character would take a byte more: the one before is raised instead.
    #expect(
      upper(String(repeating: "a", count: 62) + "z\u{7F}" + long)
        == String(repeating: "a", count: 62) + "{")
    // There is nothing between U+D7FF and U+E000, and nothing after U+10FFFF.
    let before = String(repeating: "a", count: 61)
    #expect(upper(before + "\u{D7FF}" + long) == before + "\u{E000}")
    #expect(upper(String(repeating: "\u{10FFFF}", count: 20)) == nil)
    #expect(upper([UInt8](repeating: 0xFF, count: 80)) == nil)
    #expect(
      upper([UInt8](repeating: 0xFE, count: 80)) == [UInt8](repeating: 0xFE, count: 63) + [0xFF])
  }
}
