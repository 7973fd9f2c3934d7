import Testing

@testable import Parquet

/// Which encodings a writer chooses, and what statistics it states.
@Suite struct EncodingChoiceTests {
  private static func chunk(
    _ vector: ColumnVector, _ column: ColumnDescriptor, _ options: WriterOptions = WriterOptions()
  ) throws -> ColumnChunkMetadata {
    var writer = try FileWriter(
      output: MemoryOutput(), schema: FileSchema(columns: [column]), options: options)
    try writer.writeRowGroup([vector])
    _ = try writer.finish()
    let reader = try FileReader(bytes: ByteStorage(copying: writer.output.bytes))
    return reader.metadata.rowGroups[0].columns[0]
  }

  private static let number = ColumnDescriptor(name: "n", physicalType: .int64)

  private static func plain(_ count: Int, distinct: Int) -> ColumnVector {
    ColumnVector(values: .int64((0..<count).map { Int64($0 % distinct * 1_000_003) }))
  }

  @Test func aPlainColumnOfFewValuesGetsADictionary() throws {
    let chunk = try Self.chunk(Self.plain(10_000, distinct: 10), Self.number)
    #expect(chunk.encodings.contains(.rleDictionary))
    #expect(chunk.statistics?.distinctCount == 10)
    let off = try Self.chunk(
      Self.plain(10_000, distinct: 10), Self.number, WriterOptions(buildsDictionaries: false))
    #expect(off.dictionaryPageOffset == nil)
    #expect(!off.encodings.contains(.rleDictionary))
  }

  /// With nulls, each row's value is a value of its own.
  @Test func soDoesOneWithNulls() throws {
    let strings = ByteStrings((0..<900).map { "some value, \($0 % 7)" })
    var next: UInt32 = 0
    let indices = (0..<1000).map { row -> UInt32 in
      if row % 10 == 0 { return ColumnVector.null }
      defer { next += 1 }
      return next
    }
    let vector = ColumnVector(values: .byteArray(strings), indices: indices)
    let chunk = try Self.chunk(vector, .string("n"))
    #expect(chunk.encodings.contains(.rleDictionary))
    #expect(chunk.statistics?.distinctCount == 7)
    #expect(chunk.statistics?.nullCount == 100)
  }

  @Test func differentValuesStayPlain() throws {
    for count in [1, 100, 200_000] {
      let vector = Self.plain(count, distinct: count)
      #expect(try Self.chunk(vector, Self.number).dictionaryPageOffset == nil)
    }
  }

  /// Values far from their equals are found, too.
  @Test func periodicValuesAreFound() throws {
    let chunk = try Self.chunk(Self.plain(400_000, distinct: 50_000), Self.number)
    #expect(chunk.encodings.contains(.rleDictionary))
  }

  @Test func aDictionaryIsAsLargeAsItMayBe() throws {
    for (limit, isTaken) in [(800, true), (799, false)] {
      let chunk = try Self.chunk(
        Self.plain(5000, distinct: 100), Self.number, WriterOptions(dictionaryByteLimit: limit))
      #expect((chunk.dictionaryPageOffset != nil) == isTaken)
    }
  }

  /// Numbers that ascend in small steps, whatever they start from; not those that jump.
  @Test(arguments: [PhysicalType.int32, .int64])
  func ascendingNumbersBecomeDeltas(type: PhysicalType) throws {
    var generator = SeededGenerator(11)
    func chunk(_ values: [Int64], indices: [UInt32]? = nil) throws -> ColumnChunkMetadata {
      let physical: PhysicalValues =
        type == .int64 ? .int64(values) : .int32(values.map { Int32(truncatingIfNeeded: $0) })
      return try Self.chunk(
        ColumnVector(values: physical, indices: indices),
        ColumnDescriptor(name: "n", physicalType: type), WriterOptions(codec: .uncompressed))
    }
    var ids: [Int64] = []
    for _ in 0..<50_000 {
      ids.append((ids.last ?? 1 << 30) + .random(in: 1...3, using: &generator))
    }
    let ascending = try chunk(ids)
    #expect(ascending.encodings.contains(.deltaBinaryPacked))
    #expect(ascending.uncompressedByteCount < 20_000)
    let jumping = try chunk(ids.map { _ in .random(in: 0..<1 << 62, using: &generator) })
    #expect(jumping.encodings.contains(.plain) && jumping.dictionaryPageOffset == nil)
    #expect(try chunk([7]).encodings.contains(.plain))
    // Nulls take no part in it.
    let sparse = try chunk(
      ids, indices: (0..<100_000).map { $0 % 2 == 0 ? ColumnVector.null : UInt32($0 / 2) })
    #expect(sparse.encodings.contains(.deltaBinaryPacked))
    #expect(sparse.statistics?.nullCount == 50_000)
  }

  @Test func smallestTriesWhatSuitsTheType() throws {
    var generator = SeededGenerator(7)
    let options = WriterOptions(codec: .zstd(level: 3), encodingPolicy: .smallest)
    let walk = (0..<20_000).map {
      1000 + Double($0) / 997 + Double.random(in: 0..<1, using: &generator)
    }
    let doubles = try Self.chunk(
      ColumnVector(values: .double(walk)), ColumnDescriptor(name: "n", physicalType: .double),
      options)
    #expect(doubles.encodings.contains(.byteStreamSplit))
    let steps = try Self.chunk(
      ColumnVector(values: .int64((0..<20_000).map { $0 * 977 })), Self.number, options)
    #expect(steps.encodings.contains(.deltaBinaryPacked))
    let keys = try Self.chunk(
      ColumnVector(
        values: .byteArray(ByteStrings((0..<20_000).map { "customer-\(100_000 + $0)" }))),
      .string("n"), options)
    #expect(keys.encodings.contains(.deltaByteArray))
    // A start without values says nothing about the rest.
    let late = try Self.chunk(
      ColumnVector(
        values: .int64((0..<20_000).map { $0 * 977 }),
        indices: [UInt32](repeating: ColumnVector.null, count: 30_000) + (0..<20_000)),
      Self.number, options)
    #expect(late.encodings.contains(.deltaBinaryPacked))
  }

  @Test func nothingButNullsHasNoValueToState() throws {
    let unknown = ColumnDescriptor(name: "n", physicalType: .int32, logicalType: .unknown)
    let nulls = ColumnVector(
      values: .int32([]), indices: [UInt32](repeating: ColumnVector.null, count: 5))
    let chunk = try Self.chunk(nulls, unknown)
    #expect(chunk.statistics?.nullCount == 5)
    #expect(chunk.statistics?.minValue == nil)
    do {
      _ = try Self.chunk(ColumnVector(values: .int32([1])), unknown)
      Issue.record("wrote a value")
    } catch let error as ParquetError { #expect(error.kind == .invalidValues) }
  }

  // MARK: Bounds

  private static func bounds(
    _ values: [[UInt8]], _ physical: PhysicalType, _ logical: LogicalType?, length: Int? = nil
  ) throws -> (min: [UInt8]?, max: [UInt8]?, nans: Int64?) {
    let type = TestType(
      name: "n", physicalType: physical, logicalType: logical, fixedLength: length, order: "none"
    ) { _ in [] }
    let column = ColumnDescriptor(
      name: "n", physicalType: physical, logicalType: logical, fixedLength: length)
    let statistics = try chunk(ColumnVector(values: type.values(values)), column).statistics
    return (statistics?.minValue, statistics?.maxValue, statistics?.nanCount)
  }

  @Test func boundsOfHalfNumbers() throws {
    func half(_ bits: [UInt16]) throws -> (min: [UInt8]?, max: [UInt8]?, nans: Int64?) {
      try Self.bounds(
        bits.map { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }, .fixedLengthByteArray, .float16, length: 2)
    }
    // 1.5, -2, NaN, 0.5
    var found = try half([0x3E00, 0xC000, 0x7E00, 0x3800])
    #expect(found.min == [0x00, 0xC0] && found.max == [0x00, 0x3E] && found.nans == 1)
    // A zero that is a bound has the sign that keeps it one.
    found = try half([0x0000, 0x3C00])
    #expect(found.min == [0x00, 0x80] && found.max == [0x00, 0x3C] && found.nans == 0)
    found = try half([0x8000, 0xBC00])
    #expect(found.min == [0x00, 0xBC] && found.max == [0x00, 0x00])
    found = try half([0xFE00, 0x7C01])
    #expect(found.min == nil && found.max == nil && found.nans == 2)
    found = try half([0x7C00, 0x7C00])
    #expect(found.min == [0x00, 0x7C] && found.max == [0x00, 0x7C])
  }

  @Test func boundsOfNumbers() throws {
    func bytes(_ value: Float) -> [UInt8] { withUnsafeBytes(of: value) { Array($0) } }
    var found = try Self.bounds([.nan, 0, -1].map(bytes), .float, nil)
    #expect(found.min == bytes(-1) && found.max == bytes(0) && found.nans == 1)
    found = try Self.bounds([-0.0, 0, 2].map(bytes), .float, nil)
    #expect(found.min == bytes(-0.0) && found.max == bytes(2) && found.nans == 0)
    found = try Self.bounds([-0.0].map(bytes), .float, nil)
    #expect(found.min == bytes(-0.0) && found.max == bytes(0))
    found = try Self.bounds([.nan].map(bytes), .float, nil)
    #expect(found.min == nil && found.max == nil && found.nans == 1)
    found = try Self.bounds(
      [[0xFF, 0xFF, 0xFF, 0xFF], [1, 0, 0, 0]], .int32, .integer(bitWidth: 32, isSigned: false))
    #expect(found.min == [1, 0, 0, 0] && found.max == [0xFF, 0xFF, 0xFF, 0xFF])
    found = try Self.bounds([[0xFF, 0xFF, 0xFF, 0xFF], [1, 0, 0, 0]], .int32, nil)
    #expect(found.max == [1, 0, 0, 0] && found.nans == nil)
  }

  /// Decimals in bytes are numbers: signed, and of any length.
  @Test func boundsOfDecimals() throws {
    let decimal = LogicalType.decimal(precision: 9, scale: 2)
    var found = try Self.bounds(
      [[0x00, 0x80], [0xFF], [0x7F], [0xFF, 0x00]], .byteArray, decimal)
    #expect(found.min == [0xFF, 0x00] && found.max == [0x00, 0x80])
    found = try Self.bounds(
      [[0, 0, 0, 1, 0], [0xFF, 0, 0, 0, 0], [0, 0, 0, 0, 9]], .fixedLengthByteArray, decimal,
      length: 5)
    #expect(found.min == [0xFF, 0, 0, 0, 0] && found.max == [0, 0, 0, 1, 0])
    let bare = try Self.bounds([[0x00, 0x80], [0xFF]], .byteArray, nil)
    #expect(bare.min == [0x00, 0x80] && bare.max == [0xFF])
  }
}
