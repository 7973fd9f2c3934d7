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
