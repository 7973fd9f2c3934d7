import Testing

@testable import Parquet

/// Files made to claim what they do not have. Each must be an error of the right kind, at once,
/// and say where.
@Suite struct HostileFileTests {
  /// A file of one INT32 column with a page of `body` behind the header that `header` writes, and
  /// a footer that `change` has altered.
  private static func file(
    codec: Codec = .uncompressed, body: [UInt8], rowCount: Int64 = 1,
    header: (inout PageHeaderWriter) -> Void,
    change: (inout ColumnChunkMetadata) -> Void = { _ in }
  ) -> [UInt8] {
    var writer = PageHeaderWriter()
    header(&writer)
    let page = Array(writer.bytes) + body
    var chunk = ColumnChunkMetadata(
      physicalType: .int32, path: ["a"], encodings: [.plain], codec: codec.compressionCodec,
      valueCount: rowCount, uncompressedByteCount: Int64(page.count),
      compressedByteCount: Int64(page.count), dataPageOffset: 4)
    change(&chunk)
    var footer = FooterWriter()
    footer.write(
      schema: FileSchema(columns: [
        ColumnDescriptor(name: "a", physicalType: .int32, isOptional: false)
      ]),
      rowGroups: [RowGroupMetadata(rowCount: rowCount, columns: [chunk])], keyValues: [],
      createdBy: "nobody")
    let end = Array(footer.bytes)
    let length = withUnsafeBytes(of: UInt32(end.count)) { Array($0) }
    return fileMagic + page + end + length + fileMagic
  }

  private static func plainPage(
    _ writer: inout PageHeaderWriter, values: Int = 1, uncompressed: Int = 4, compressed: Int = 4,
    encoding: Encoding = .plain
  ) {
    writer.writeDataPage(
      valueCount: values, encoding: encoding, uncompressedByteCount: uncompressed,
      compressedByteCount: compressed, checksum: nil)
  }

  private static func failure(_ bytes: [UInt8]) -> ParquetError? {
    do throws(ParquetError) {
      _ = try FileReader(bytes: ByteStorage(copying: bytes)).readColumn(0, rowGroup: 0)
      return nil
    } catch {
      return error
    }
  }

  @Test func theFileItselfIsRead() throws {
    let bytes = Self.file(body: [1, 2, 3, 4]) { Self.plainPage(&$0) }
    let vector = try FileReader(bytes: ByteStorage(copying: bytes)).readColumn(0, rowGroup: 0)
    guard case .int32([0x0403_0201]) = vector.values else {
      Issue.record("\(vector)")
      return
    }
  }

  @Test(arguments: [Codec.snappy, .gzip, .lz4Raw, .zstd(level: 1), .brotli(quality: 1)])
  func pagesThatWouldBecomeGigabytes(codec: Codec) {
    let bytes = Self.file(codec: codec, body: [1, 2, 3, 4]) {
      Self.plainPage(&$0, uncompressed: 2_000_000_000)
    }
    #expect(Self.failure(bytes)?.kind == .malformed)
  }

  @Test func pagesBeyondTheChunk() {
    let bytes = Self.file(body: [1, 2, 3, 4]) { Self.plainPage(&$0, compressed: 5000) }
    let failure = Self.failure(bytes)
    #expect(failure?.kind == .malformed)
    #expect(failure?.column == "a")
    #expect(failure?.offset == 4)
  }

  @Test func chunksOutsideTheFile() {
    for (offset, count) in [(Int64(3), Int64(10)), (4, .max), (.max, 1), (4, 5000), (100_000, 1)] {
      let bytes = Self.file(body: [1, 2, 3, 4], header: { Self.plainPage(&$0) }) {
        $0.dataPageOffset = offset
        $0.compressedByteCount = count
      }
      #expect(Self.failure(bytes)?.kind == .malformed)
    }
  }

  @Test func moreRowsThanIsAccepted() {
    let rows: Int64 = 1 << 40
    let bytes = Self.file(body: [1, 2, 3, 4], rowCount: rows) { Self.plainPage(&$0) }
    #expect(Self.failure(bytes)?.kind == .limitExceeded)
  }

  @Test func fewerOrMoreValuesThanRows() {
    for values in [0, 2, 1 << 30] {
      let bytes = Self.file(body: [1, 2, 3, 4]) { Self.plainPage(&$0, values: values) }
      #expect(Self.failure(bytes)?.kind == .malformed)
    }
  }

  @Test func indicesWithoutDictionary() {
    let bytes = Self.file(body: [1, 2, 3, 4]) { Self.plainPage(&$0, encoding: .rleDictionary) }
    #expect(Self.failure(bytes)?.kind == .malformed)
  }

  @Test func encodingsOfOtherTypes() {
    for encoding in [Encoding.rle, .deltaLengthByteArray, .deltaByteArray, .bitPacked] {
      let bytes = Self.file(body: [0, 0, 0, 0]) { Self.plainPage(&$0, encoding: encoding) }
      #expect(Self.failure(bytes) != nil)
    }
  }

  @Test func footersThatNestTooDeep() {
    // A struct in a struct in a struct …, as an unknown field.
    let footer = [UInt8](repeating: 0xFC, count: 1_000_000)
    let length = withUnsafeBytes(of: UInt32(footer.count)) { Array($0) }
    #expect(Self.failure(fileMagic + footer + length + fileMagic)?.kind == .malformed)
  }

  @Test func listsOfMoreThanThereIs() {
    // Field 2, a list of 2^32 structs.
    let footer: [UInt8] = [0x29, 0xFC, 0x80, 0x80, 0x80, 0x80, 0x10]
    let length = withUnsafeBytes(of: UInt32(footer.count)) { Array($0) }
    #expect(Self.failure(fileMagic + footer + length + fileMagic)?.kind == .malformed)
  }

  @Test func encryptedAndForeignFilesAreNamed() {
    let encrypted = fileMagic + [UInt8](repeating: 0, count: 8) + Array("PARE".utf8)
    #expect(Self.failure(encrypted)?.kind == .unsupported)
    #expect(Self.failure(Array("hello, this is text".utf8))?.kind == .notParquet)
    #expect(Self.failure([])?.kind == .notParquet)
  }

  @Test func missingFilesAreNamed() {
    do throws(ParquetError) {
      _ = try FileReader(path: "/nonexistent/file.parquet")
      Issue.record("read a file that is not there")
    } catch {
      #expect(error.kind == .inputOutput)
      #expect("\(error)".contains("/nonexistent/file.parquet"))
    }
  }
}
