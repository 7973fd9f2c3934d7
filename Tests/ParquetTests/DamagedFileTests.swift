import Foundation
import Testing

@testable import Parquet

/// Damaged files give errors, or the values they were written with; never other values, a crash or
/// a hang.
@Suite struct DamagedFileTests {
  struct Sample {
    var name: String
    var columns: [TestColumn]
    var bytes: [UInt8]

    init(_ name: String, _ columns: [TestColumn], _ options: WriterOptions) throws {
      self.name = name
      self.columns = columns
      bytes = try write(columns, options: options, keyValues: [("key", "value")])
    }
  }

  /// Files of a few rows: each kind of page and encoding, as small as can be.
  static func samples() throws -> [Sample] {
    let chosen = ["bool", "int32", "double", "string", "sorted", "fixed"]
    let types = TestType.all.filter { chosen.contains($0.name) }
    return [
      try Sample(
        "dictionary", types.map { TestColumn($0, rows: 20, nulls: .rare, distinct: 4) },
        WriterOptions(codec: .uncompressed)),
      try Sample(
        "plain with nulls",
        types.map { TestColumn($0, rows: 13, nulls: .alternating, distinct: nil) },
        WriterOptions(codec: .snappy, pageByteLimit: 40)),
      try Sample(
        "delta",
        types.filter { $0.physicalType != .boolean && $0.physicalType != .double }.map {
          TestColumn($0, rows: 40, nulls: .none, distinct: nil)
        },
        WriterOptions(
          codec: .zstd(level: 1),
          columnEncodings: [
            "int32": .deltaBinaryPacked, "string": .deltaByteArray, "sorted": .deltaLengthByteArray,
            "fixed": .deltaByteArray,
          ])),
    ]
  }

  @Test(arguments: 0..<3) func everyChangedByteIsAnErrorOrHarmless(sample: Int) throws {
    for sample in try Self.samples()[sample...sample] {
      var harmless = 0
      for position in sample.bytes.indices {
        for mask: UInt8 in [0x01, 0x02, 0x10, 0x80, 0xFF] {
          var damaged = sample.bytes
          damaged[position] ^= mask
          guard let found = Self.read(damaged, sample.columns) else { continue }
          harmless += 1
          if found != sample.columns.map(\.texts) {
            Issue.record("\(sample.name): byte \(position) changed by \(mask) gives other values")
          }
        }
      }
      // Checksums cover pages, and most of headers and footer is checked or not needed.
      #expect(harmless < sample.bytes.count * 5 / 2, "\(sample.name)")
    }
  }

  @Test func everyTruncatedFileIsAnError() throws {
    for sample in try Self.samples() {
      for length in sample.bytes.indices {
        #expect(
          Self.read(Array(sample.bytes[..<length]), sample.columns) == nil,
          "\(sample.name): \(length) bytes")
      }
    }
  }

  static let tiny = [
    "tiny-none", "tiny-snappy", "tiny-gzip", "tiny-zstd", "tiny-brotli", "tiny-lz4",
    "tiny-encodings",
  ].map { $0 + ".parquet" }

  /// Files of pyarrow's with checksums: dictionaries, lists, pages of both versions, each codec.
  @Test(arguments: tiny) func everyChangedByteOfAPeersFileIsAnErrorOrHarmless(file: String) throws {
    let bytes = try Fixtures.bytes(file)
    let whole = try FileReader(bytes: ByteStorage(copying: bytes))
    let columns = whole.metadata.schema.columns
    let expected = try #require(try Fixtures.values()[file])
    let lines = columns.map { expected[$0.name] }
    #expect(Self.lines(bytes, columns) == lines)
    let bodies = try Self.pageBodies(bytes, whole)
    #expect(bodies.count >= columns.count)
    for position in bytes.indices {
      let isCovered = bodies.contains { $0.contains(position) }
      for mask in (0..<8).map({ UInt8(1) << $0 }) + [0x12, 0xFF] {
        var damaged = bytes
        damaged[position] ^= mask
        guard let found = Self.lines(damaged, columns) else { continue }
        if isCovered || found != lines {
          Issue.record(
            "\(file): byte \(position) changed by \(mask) gives \(isCovered ? "" : "other ")values")
        }
      }
    }
    for length in bytes.indices {
      #expect(Self.lines(Array(bytes[..<length]), columns) == nil, "\(file): \(length) bytes")
    }
  }

  /// Where in the file pages have their bytes, which checksums are for.
  private static func pageBodies(_ bytes: [UInt8], _ reader: FileReader) throws -> [Range<Int>] {
    try reader.metadata.rowGroups.flatMap(\.columns).flatMap { chunk in
      let start = Int(chunk.startOffset)
      let end = start + Int(chunk.compressedByteCount)
      let plan = try bytes[start..<end].withUnsafeBytes { bytes throws(ParquetError) in
        try PagePlan(
          bytes, fileOffset: start, codec: chunk.codec, leastValueSize: 1,
          valueCount: Int(chunk.valueCount), uncountedByteCount: 0, limits: ReaderLimits())
      }
      let pages = plan.dataPages + [plan.dictionary].compactMap(\.self)
      return pages.map { start + $0.body.lowerBound..<start + $0.body.upperBound }
    }
  }

  /// What all columns hold, a line a row; nil after an error.
  private static func lines(_ bytes: [UInt8], _ columns: [ColumnDescriptor]) -> [String?]? {
    guard let reader = try? FileReader(bytes: ByteStorage(copying: bytes)),
      reader.metadata.schema.columns.count == columns.count
    else { return nil }
    let scratch = DecoderScratch()
    return try? columns.indices.map { column in
      try reader.metadata.rowGroups.indices.map { group in
        try reader.readColumn(column, rowGroup: group, scratch: scratch)
          .lines(ReaderInteroperabilityTests.type(of: columns[column]))
      }.joined()
    }
  }

  /// What all columns hold, as text; nil after an error.
  private static func read(_ bytes: [UInt8], _ columns: [TestColumn]) -> [[String?]]? {
    guard let reader = try? FileReader(bytes: ByteStorage(copying: bytes)),
      reader.metadata.schema.columns.count == columns.count
    else { return nil }
    let scratch = DecoderScratch()
    return try? columns.indices.map { column in
      try reader.metadata.rowGroups.indices.flatMap { group in
        try reader.readColumn(column, rowGroup: group, scratch: scratch).texts(columns[column].type)
      }
    }
  }
}
