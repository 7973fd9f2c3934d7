import Testing

@testable import Parquet

/// Columns of lists as the file has them: levels, counts and the schema's groups. That peers read
/// them, `WriterMatrixTests` sees.
@Suite struct ListWriterTests {
  private static let strings = ColumnDescriptor(
    name: "tags", physicalType: .byteArray, logicalType: .string, list: ListShape())

  /// `[a, null], [], null, [b]`
  private static let vector = ColumnVector(
    values: .byteArray(ByteStrings(["a", "b"])), indices: [0, ColumnVector.null, 1],
    lists: ListRows(offsets: [0, 2, 2, 2, 3], isNull: [false, false, true, false]))

  private static func written(
    _ vector: ColumnVector, _ column: ColumnDescriptor, _ options: WriterOptions
  ) throws -> [UInt8] {
    var writer = try FileWriter(
      output: MemoryOutput(), schema: FileSchema(columns: [column]), options: options)
    try writer.writeRowGroup([vector])
    _ = try writer.finish()
    return writer.output.bytes
  }

  @Test(arguments: DataPageVersion.allCases) func levelsAreThoseOfTheFormat(
    version: DataPageVersion
  ) throws {
    let options = WriterOptions(
      codec: .uncompressed, columnEncodings: ["tags": .plain], dataPages: version,
      checksums: false)
    let bytes = try Self.written(Self.vector, Self.strings, options)
    // Bit-packed, the lowest bits first: repetition 0 1 0 0 0, definition 3 2 1 0 3.
    let repetition: [UInt8] = [0x03, 0b00010]
    let definition: [UInt8] = [0x03, 0b00_01_10_11, 0b11]
    let values: [UInt8] = [1, 0, 0, 0, UInt8(ascii: "a"), 1, 0, 0, 0, UInt8(ascii: "b")]
    let page =
      version == .v1
      ? [2, 0, 0, 0] + repetition + [3, 0, 0, 0] + definition + values
      : repetition + definition + values
    #expect(bytes.indices.contains { bytes[$0...].starts(with: page) })
    let metadata = try FileReader(bytes: ByteStorage(copying: bytes)).metadata
    let chunk = metadata.rowGroups[0].columns[0]
    #expect(metadata.rowCount == 4)
    #expect(chunk.path == ["tags", "list", "element"])
    #expect(chunk.valueCount == 5)
    #expect(chunk.statistics?.nullCount == 3)
    #expect(chunk.statistics?.minValue == [UInt8(ascii: "a")])
    #expect(chunk.statistics?.maxValue == [UInt8(ascii: "b")])
  }

  /// Pages end where rows do, whatever their limit is.
  @Test(arguments: DataPageVersion.allCases) func pagesHoldWholeRows(
    version: DataPageVersion
  ) throws {
    let column = ColumnDescriptor(
      name: "n", physicalType: .int32, isOptional: false, list: ListShape(isOptional: false))
    let offsets = [0, 0, 3, 3, 50, 51, 52, 53, 53, 53].map { UInt32($0) }
    let vector = ColumnVector(
      values: .int32((0..<53).map { Int32($0) }), lists: ListRows(offsets: offsets))
    let bytes = try Self.written(
      vector, column,
      WriterOptions(
        codec: .uncompressed, columnEncodings: ["n": .plain], dataPages: version, pageByteLimit: 8))
    let chunk = try FileReader(bytes: ByteStorage(copying: bytes)).metadata.rowGroups[0].columns[0]
    var position = Int(chunk.dataPageOffset)
    var counts: [Int] = []
    try bytes.withUnsafeBytes { bytes in
      while position < Int(chunk.dataPageOffset + chunk.compressedByteCount) {
        var thrift = ThriftCompactReader(
          UnsafeRawBufferPointer(rebasing: bytes[position...]), fileOffset: position)
        let header = try PageHeaderReader.read(&thrift)
        counts.append(header.valueCount)
        position += thrift.position + header.compressedByteCount
      }
    }
    // Rows of 0, 3, 0, 47, 1, 1, 1, 0, 0 elements; an empty one takes a level, too.
    #expect(counts == [1, 3, 1, 47, 2, 3])
    #expect(chunk.valueCount == 57)
  }

  @Test func listsThatDoNotFitAreErrors() throws {
    func refuses(_ vector: ColumnVector, _ column: ColumnDescriptor = Self.strings) throws {
      do {
        _ = try Self.written(vector, column, WriterOptions())
        Issue.record("wrote \(vector)")
      } catch let error as ParquetError {
        #expect(error.kind == .invalidValues)
        #expect(error.column == column.name)
      }
    }
    func changed(_ change: (inout ListRows) -> Void) -> ColumnVector {
      var vector = Self.vector
      var lists = vector.lists ?? ListRows()
      change(&lists)
      vector.lists = lists
      return vector
    }
    var flat = Self.vector
    flat.lists = nil
    try refuses(flat)
    try refuses(Self.vector, .string("tags"))
    try refuses(changed { $0.offsets[1] = 3 })
    try refuses(changed { $0.offsets[0] = 1 })
    try refuses(changed { $0.offsets[4] = 2 })
    try refuses(changed { $0.offsets[4] = 4 })
    try refuses(changed { $0.isNull = [true, false, false, false] })
    try refuses(changed { $0.isNull = [false, false, false] })
    var required = Self.strings
    required.list = ListShape(isOptional: false)
    try refuses(Self.vector, required)
    required = Self.strings
    required.isOptional = false
    try refuses(Self.vector, required)
  }
}
