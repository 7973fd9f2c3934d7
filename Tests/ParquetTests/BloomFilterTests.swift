import Foundation
import Testing

@testable import Parquet

@Suite struct BloomFilterTests {
  /// Values of the reference implementation.
  @Test func hashesAreThoseOfTheReference() {
    func hash(_ text: String) -> UInt64 { Array(text.utf8).withUnsafeBytes { XxHash64.hash($0) } }
    #expect(hash("") == 0xEF46_DB37_51D8_E999)
    #expect(hash("a") == 0xD24E_C4F1_A98C_6E5B)
    #expect(hash("abc") == 0x44BC_2CF5_AD77_0999)
    #expect(hash("Nobody inspects the spammish repetition") == 0xFBCE_A83C_8A37_8BF1)
    #expect(hash("message digest, 14 bytes and more than 32") != hash("message digest"))
  }

  /// The ratios of BloomFilter.md, in bits a value.
  @Test func sizesKeepTheRate() {
    for (rate, bits) in [(0.1, 6.0), (0.01, 10.5), (0.001, 16.9), (0.0001, 26.4)] {
      let count = BloomFilter.byteCount(distinctCount: 1_000_000, falsePositiveRate: rate)
      // A power of two, so up to twice as many.
      #expect(Double(count * 8) >= 0.95 * bits * 1_000_000)
      #expect(Double(count * 8) <= 2.05 * bits * 1_000_000)
      #expect(count.nonzeroBitCount == 1)
    }
    #expect(BloomFilter.byteCount(distinctCount: 0, falsePositiveRate: 0.01) == 32)
    #expect(
      BloomFilter.byteCount(distinctCount: .max, falsePositiveRate: 1e-9) == BloomFilter.mostBytes)
  }

  @Test func noValueIsExcludedAndFewOthersAreTakenForPresent() {
    var filter = BloomFilter(distinctCount: 10_000, falsePositiveRate: 0.01)
    func bytes(_ number: Int) -> [UInt8] { withUnsafeBytes(of: number) { Array($0) } }
    for number in 0..<10_000 {
      filter.insert(hash: bytes(number).withUnsafeBytes { XxHash64.hash($0) })
    }
    #expect((0..<10_000).allSatisfy { filter.mayContain(bytes($0)) })
    let wrong = (10_000..<110_000).count { filter.mayContain(bytes($0)) }
    #expect(wrong < 1200)
  }

  /// The filter is sized by the distinct values that rows hold, not by rows.
  @Test func filtersAreSizedByDistinctValues() throws {
    func byteCount(_ vector: ColumnVector) throws -> Int {
      var writer = try FileWriter(
        output: MemoryOutput(),
        schema: FileSchema(columns: [ColumnDescriptor(name: "a", physicalType: .int64)]),
        options: WriterOptions(bloomFilters: ["a": 0.01]))
      try writer.writeRowGroup([vector])
      _ = try writer.finish()
      let reader = try FileReader(bytes: ByteStorage(copying: writer.output.bytes))
      #expect(reader.metadata.rowGroups[0].columns[0].hasBloomFilter)
      return try #require(try reader.bloomFilter(column: 0, rowGroup: 0)).byteCount
    }
    let plain = (0..<10_000).map { Int64($0 % 20) }
    #expect(try byteCount(ColumnVector(values: .int64(plain))) == 32)
    let unused = ColumnVector(
      values: .int64((0..<10_000).map { Int64($0) }),
      indices: (0..<10_000).map { UInt32($0 % 20) })
    #expect(try byteCount(unused) == 32)
    #expect(
      try byteCount(ColumnVector(values: .int64((0..<10_000).map { Int64($0) }))) == 16_384)
  }

  @Test func optionsWithoutSenseAreRefused() {
    for filters in [["b": 0.1], ["a": 0], ["a": 1], ["a": .nan], ["flag": 0.1]] {
      #expect(throws: ParquetError.self) {
        _ = try FileWriter(
          output: MemoryOutput(),
          schema: FileSchema(columns: [
            .string("a"), ColumnDescriptor(name: "flag", physicalType: .boolean),
          ]), options: WriterOptions(bloomFilters: filters))
      }
    }
  }

  /// A filter that says what it cannot be is an error with a place; one of an unknown kind is none.
  @Test func damagedFilters() throws {
    var writer = try FileWriter(
      output: MemoryOutput(), schema: FileSchema(columns: [.string("a")]),
      options: WriterOptions(bloomFilters: ["a": 0.01]))
    try writer.writeRowGroup([ColumnVector(values: .byteArray(ByteStrings(["x", "y"])))])
    _ = try writer.finish()
    let bytes = writer.output.bytes
    let whole = try FileReader(bytes: ByteStorage(copying: bytes))
    let part = try #require(whole.metadata.rowGroups[0].columns[0].bloomFilter)
    let start = Int(part.offset)
    var unknown = 0
    var errors = 0
    for position in start..<start + part.byteCount - 32 {
      for mask: UInt8 in [0x01, 0x04, 0x10, 0x40, 0xFF] {
        var damaged = bytes
        damaged[position] ^= mask
        let reader = try FileReader(bytes: ByteStorage(copying: damaged))
        do throws(ParquetError) {
          if try reader.bloomFilter(column: 0, rowGroup: 0) == nil { unknown += 1 }
        } catch {
          #expect(error.kind == .malformed && error.column == "a" && error.offset != nil)
          errors += 1
        }
      }
    }
    #expect(errors > 10 && unknown > 0)
  }

  /// Filters that other writers made, where their files are at hand.
  @Test(.enabled(if: ParquetTestingFiles.folder != nil, "no parquet-testing folder"))
  func filtersOfOthers() throws {
    let folder = try #require(ParquetTestingFiles.folder)
    for name in ["data_index_bloom_encoding_stats", "data_index_bloom_encoding_with_length"] {
      let reader = try FileReader(path: folder.appending(path: "data/\(name).parquet").path)
      let filter = try #require(try reader.bloomFilter(column: 0, rowGroup: 0))
      let vector = try reader.readColumn(0, rowGroup: 0)
      guard case .byteArray(let strings) = vector.values else { throw CancellationError() }
      #expect(strings.count > 0)
      for index in 0..<strings.count { #expect(filter.mayContain(Array(strings[index].utf8))) }
      #expect(!filter.mayContain(Array("certainly not there".utf8)))
      #expect(!filter.mayContain(Array("nor this".utf8)))
    }
    // A filter by itself: parquet-mr's header and bits, with these words.
    let bytes = try Data(contentsOf: folder.appending(path: "data/bloom_filter.xxhash.bin"))
    let filter = try Array(bytes).withUnsafeBytes { bytes throws -> BloomFilter? in
      let header = try #require(try BloomFilterHeader.read(bytes, fileOffset: 0))
      #expect(header.byteCount + header.bitsByteCount == bytes.count)
      return BloomFilter(bits: UnsafeRawBufferPointer(rebasing: bytes[header.byteCount...]))
    }
    for word in ["hello", "parquet", "bloom", "filter"] {
      #expect(try #require(filter).mayContain(Array(word.utf8)))
    }
    #expect(!(try #require(filter).mayContain(Array("snow".utf8))))
  }
}

/// The files of apache/parquet-testing, where they are at hand.
enum ParquetTestingFiles {
  static let folder: URL? = {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let shared =
      ProcessInfo.processInfo.environment["CAIRN_SHARED"].map { URL(filePath: $0) }
      ?? root.deletingLastPathComponent().appending(path: "shared")
    let folder = shared.appending(path: "parquet-testing")
    return FileManager.default.fileExists(atPath: folder.path) ? folder : nil
  }()
}
