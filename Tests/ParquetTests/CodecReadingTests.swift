import Foundation
import Testing

@testable import Parquet

/// Pages as old and odd writers compress them.
@Suite struct CodecReadingTests {
  private static let values = (0..<500).map { Int32($0 * $0 % 91) }
  private static var body: [UInt8] { HandmadeFile.plain(values) }

  private static func compress(_ bytes: some Sequence<UInt8>, _ codec: Codec) throws -> [UInt8] {
    var compressor = Compressor()
    return try Array(bytes).withUnsafeBytes {
      Array(try compressor.compress($0, with: codec))
    }
  }

  private static func bigEndian(_ number: Int) -> [UInt8] {
    withUnsafeBytes(of: UInt32(number).bigEndian) { Array($0) }
  }

  /// What reading a page gives that became `compressed`.
  private static func read(
    _ compressed: [UInt8], _ codec: CompressionCodec
  ) throws -> Result<[Int32], ParquetError> {
    let page = HandmadeFile.Page(valueCount: values.count, body: body, compressed: compressed)
    let file = HandmadeFile(
      schema: [.leaf("a", .required)], rowCount: values.count,
      columns: [HandmadeFile.Column(path: ["a"], codec: codec, pages: [page])])
    let reader = try file.reader()
    do throws(ParquetError) {
      guard case .int32(let found) = try reader.readColumn(0, rowGroup: 0).values else {
        return .success([])
      }
      return .success(found)
    } catch {
      return .failure(error)
    }
  }

  /// One of Hadoop's frames, of several blocks.
  private static func frame(_ bytes: ArraySlice<UInt8>, blocks: Int) throws -> [UInt8] {
    let size = (bytes.count + blocks - 1) / blocks
    return try stride(from: bytes.startIndex, to: bytes.endIndex, by: size)
      .reduce(into: bigEndian(bytes.count)) { frame, start in
        let block = try compress(bytes[start..<min(start + size, bytes.endIndex)], .lz4Raw)
        frame += bigEndian(block.count) + block
      }
  }

  @Test func oldLZ4InFramesOfBlocks() throws {
    let body = Self.body[...]
    for blocks in 1...3 {
      #expect(
        try Self.read(Self.frame(body, blocks: blocks), .lz4Hadoop).get() == Self.values)
    }
    let two = try Self.frame(body[..<777], blocks: 1) + Self.frame(body[777...], blocks: 2)
    #expect(try Self.read(two, .lz4Hadoop).get() == Self.values)
  }

  @Test func oldLZ4WithoutFrames() throws {
    #expect(try Self.read(Self.compress(Self.body, .lz4Raw), .lz4Hadoop).get() == Self.values)
  }

  @Test func damagedOldLZ4IsAnError() throws {
    let whole = try Self.frame(Self.body[...], blocks: 2)
    var damaged: [[UInt8]] = [[], [0], [0, 0, 0, 0], Array(whole.dropLast()), whole + [0]]
    damaged.append(Self.bigEndian(Self.body.count - 1) + whole.dropFirst(4))  // too short a frame
    damaged.append(Self.bigEndian(Self.body.count + 1) + whole.dropFirst(4))
    damaged.append(whole.prefix(4) + Self.bigEndian(0) + whole.dropFirst(8))
    damaged.append(whole.prefix(4) + Self.bigEndian(1 << 31) + whole.dropFirst(8))
    for bytes in damaged {
      guard case .failure(let error) = try Self.read(bytes, .lz4Hadoop) else {
        Issue.record("read \(bytes.prefix(20))")
        continue
      }
      #expect(error.kind == .malformed)
    }
  }

  @Test func gzipOfSeveralMembers() throws {
    let parts = [Self.body[..<100], Self.body[100..<100], Self.body[100...]]
    let members = try parts.flatMap { try Self.compress($0, .gzip) }
    #expect(try Self.read(members, .gzip).get() == Self.values)
    guard case .failure = try Self.read(Array(members.dropLast()), .gzip) else {
      Issue.record("read a member that is cut off")
      return
    }
    guard case .failure = try Self.read(members + Self.compress([1], .gzip), .gzip) else {
      Issue.record("read a member too many")
      return
    }
  }

  @Test func lzoIsRefusedByName() throws {
    guard case .failure(let error) = try Self.read(Self.body, .lzo) else {
      Issue.record("read LZO")
      return
    }
    #expect(error.kind == .unsupported && error.found == "lzo" && error.column == "a")
  }

  /// 300 bytes that claim to be 2 GB: nobody allocates them.
  @Test(arguments: CompressionCodec.allCases)
  func pagesThatClaimTooMuch(codec: CompressionCodec) throws {
    let page = HandmadeFile.Page(
      valueCount: 500_000_000, body: [UInt8](repeating: 1, count: 300),
      statedByteCount: 2_000_000_000)
    let file = HandmadeFile(
      schema: [.leaf("a", .required)], rowCount: 500_000_000,
      columns: [HandmadeFile.Column(path: ["a"], codec: codec, pages: [page])])
    let failure = #expect(throws: ParquetError.self) {
      try file.reader(limits: ReaderLimits(rowCount: 1 << 30)).readColumn(0, rowGroup: 0)
    }
    #expect(failure?.kind == (codec == .lzo ? .unsupported : .malformed))
    #expect(codec == .lzo || failure?.found == "2000000000")
  }

  @Test func oldWritersThatDidNotCountAHeader() throws {
    func omits(_ createdBy: String?) -> Bool {
      FileMetadata(
        rowCount: 0, schema: FileSchema(columns: []), rowGroups: [], keyValues: [],
        createdBy: createdBy, leaves: []
      ).uncountedByteCount > 0
    }
    for writer in [
      "parquet-mr", "parquet-mr version 1.2.8 (build 1)", "parquet-mr version 1.0.0-t",
    ] {
      #expect(omits(writer), "\(writer)")
    }
    for writer in [
      "parquet-mr version 1.2.9", "parquet-mr version 1.10.1 (build 2)",
      "parquet-cpp version 1.0.0",
      "impala version 1.0-INTERNAL", "", nil,
    ] {
      #expect(!omits(writer), "\(writer ?? "none")")
    }
  }
}
