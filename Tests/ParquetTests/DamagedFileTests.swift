import Foundation
import Testing

@testable import Parquet

/// Damaged files give errors, or the values they were written with; never other values, a crash or
/// a hang. Only what values mean is said in the footer alone, which has no checksum.
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
    let sample = try Self.samples()[sample]
    let whole = try #require(Contents(sample.bytes))
    let texts = try FileReader(bytes: ByteStorage(copying: sample.bytes)).texts(sample.columns)
    #expect(texts == sample.columns.map(\.texts))
    var harmless = 0
    for position in sample.bytes.indices {
      for mask: UInt8 in [0x01, 0x02, 0x10, 0x80, 0xFF] {
        var damaged = sample.bytes
        damaged[position] ^= mask
        guard let found = Contents(damaged) else { continue }
        harmless += 1
        found.expect(whole, "\(sample.name): byte \(position) changed by \(mask)", at: position)
      }
    }
    // Checksums cover pages, and most of headers and footer is checked or not needed.
    #expect(harmless < sample.bytes.count * 5 / 2, "\(sample.name)")
  }

  @Test func everyTruncatedFileIsAnError() throws {
    for sample in try Self.samples() {
      for length in sample.bytes.indices {
        #expect(
          Contents(Array(sample.bytes[..<length])) == nil, "\(sample.name): \(length) bytes")
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
    let expected = try #require(try Fixtures.values()[file])
    #expect(ReadColumns(whole).differences(from: expected) == [])
    let contents = try #require(Contents(bytes))
    let bodies = try Self.pageBodies(bytes, whole)
    #expect(bodies.count >= contents.columns.count)
    for position in bytes.indices {
      let isCovered = bodies.contains { $0.contains(position) }
      for mask in (0..<8).map({ UInt8(1) << $0 }) + [0x12, 0xFF] {
        var damaged = bytes
        damaged[position] ^= mask
        guard let found = Contents(damaged) else { continue }
        #expect(!isCovered, "\(file): byte \(position) changed by \(mask) gives values")
        found.expect(contents, "\(file): byte \(position) changed by \(mask)", at: position)
      }
    }
    for length in bytes.indices {
      #expect(Contents(Array(bytes[..<length])) == nil, "\(file): \(length) bytes")
    }
  }

  /// A footer has no checksum: where it says something else that fits the rest, that is what is read.
  @Test func aChangedMeaningIsNotSeen() throws {
    let types = TestType.all.filter { $0.name == "tsms" }
    let bytes = try write(types.map { TestColumn($0, rows: 5, nulls: .none, distinct: nil) })
    let whole = try #require(Contents(bytes))
    var units: Set<LogicalType.TimeUnit> = []
    for position in bytes.indices.suffix(from: whole.footerStart) {
      for bit in 0..<8 {
        var damaged = bytes
        damaged[position] ^= 1 << UInt8(bit)
        guard let found = Contents(damaged) else { continue }
        found.expect(whole, "byte \(position)", at: position)
        if case .timestamp(let unit, _) = found.columns[0].logicalType { units.insert(unit) }
      }
    }
    #expect(units == [.milliseconds, .nanoseconds])
  }

  /// Where in the file pages have their bytes, which checksums are for.
  private static func pageBodies(_ bytes: [UInt8], _ reader: FileReader) throws -> [Range<Int>] {
    try reader.metadata.rowGroups.flatMap(\.columns).flatMap { chunk in
      let start = Int(chunk.startOffset)
      let end = start + Int(chunk.compressedByteCount)
      let plan = try bytes[start..<end].withUnsafeBytes { bytes throws(ParquetError) in
        try PagePlan(
          bytes, fileOffset: start, codec: chunk.codec, leastValueBitCount: 1,
          valueCount: Int(chunk.valueCount), uncountedByteCount: 0, limits: ReaderLimits())
      }
      let pages = plan.dataPages + [plan.dictionary].compactMap(\.self)
      return pages.map { start + $0.body.lowerBound..<start + $0.body.upperBound }
    }
  }
}

/// What a file holds: what its columns are, and what is stored in them.
private struct Contents {
  var columns: [ColumnDescriptor]
  /// A line a row for each column, of stored values whatever they mean.
  var lines: [String]
  var footerStart: Int

  /// Nil after an error.
  init?(_ bytes: [UInt8]) {
    let source = ByteSource.memory(ByteStorage(copying: bytes))
    guard let reader = try? FileReader(bytes: ByteStorage(copying: bytes)),
      let footer = try? FileReader.footerRange(of: source, limits: ReaderLimits())
    else { return nil }
    let scratch = DecoderScratch()
    let columns = reader.metadata.schema.columns
    let lines = try? columns.indices.map { column in
      let type = TestType(
        name: "stored", physicalType: columns[column].physicalType,
        fixedLength: columns[column].fixedLength, order: "none"
      ) { _ in [] }
      return try reader.metadata.rowGroups.indices.map { group in
        try reader.readColumn(column, rowGroup: group, scratch: scratch).lines(type)
      }.joined()
    }
    guard let lines else { return nil }
    self.columns = columns
    self.lines = lines
    footerStart = footer.lowerBound
  }

  /// Says so if these are not the stored values of the `whole` file, or mean something else although
  /// what was changed is not the footer, which alone says what values mean.
  func expect(_ whole: Contents, _ what: String, at position: Int) {
    if lines != whole.lines { Issue.record("\(what) gives other values") }
    if columns != whole.columns, position < whole.footerStart {
      Issue.record("\(what) gives other columns: \(columns)")
    }
    // Without the annotation LIST, too, which the footer alone has, a name is the whole path.
    let names = zip(columns, whole.columns)
    if columns.count != whole.columns.count || !names.allSatisfy({ $0.name.hasPrefix($1.name) }) {
      Issue.record("\(what) gives columns of other names: \(columns)")
    }
  }
}

extension FileReader {
  /// What all columns hold, as texts of their own types.
  fileprivate func texts(_ columns: [TestColumn]) throws -> [[String?]] {
    try columns.indices.map { column in
      try metadata.rowGroups.indices.flatMap { group in
        try readColumn(column, rowGroup: group).texts(columns[column].type)
      }
    }
  }
}
