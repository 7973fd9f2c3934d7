import Foundation
import Testing

@testable import Parquet

/// What columns mean: logical types, the converted types before them, and those of later formats.
@Suite struct AnnotationTests {
  private static func column(_ node: HandmadeFile.Node) throws -> ColumnDescriptor {
    let file = HandmadeFile(
      schema: [node], rowCount: 0,
      columns: [
        HandmadeFile.Column(path: [node.name], type: node.type ?? .boolean, pages: [])
      ])
    return try file.reader().metadata.schema.columns[0]
  }

  private static func column(
    _ type: PhysicalType, _ converted: ConvertedType? = nil, length: Int? = nil,
    precision: Int? = nil, scale: Int? = nil,
    logical: (@Sendable (inout ThriftCompactWriter) -> Void)? = nil
  ) throws -> ColumnDescriptor {
    try column(
      HandmadeFile.Node(
        name: "a", type: type, typeLength: length, converted: converted, precision: precision,
        scale: scale, logical: logical))
  }

  @Test func convertedTypesOfOldFiles() throws {
    let expected: [(ConvertedType, PhysicalType, LogicalType)] = [
      (.utf8, .byteArray, .string), (.enumeration, .byteArray, .enumeration),
      (.json, .byteArray, .json), (.bson, .byteArray, .bson), (.date, .int32, .date),
      (.timeMilliseconds, .int32, .time(unit: .milliseconds, isAdjustedToUTC: true)),
      (.timeMicroseconds, .int64, .time(unit: .microseconds, isAdjustedToUTC: true)),
      (.timestampMilliseconds, .int64, .timestamp(unit: .milliseconds, isAdjustedToUTC: true)),
      (.timestampMicroseconds, .int64, .timestamp(unit: .microseconds, isAdjustedToUTC: true)),
      (.unsigned8, .int32, .integer(bitWidth: 8, isSigned: false)),
      (.unsigned16, .int32, .integer(bitWidth: 16, isSigned: false)),
      (.unsigned32, .int32, .integer(bitWidth: 32, isSigned: false)),
      (.unsigned64, .int64, .integer(bitWidth: 64, isSigned: false)),
      (.signed8, .int32, .integer(bitWidth: 8, isSigned: true)),
      (.signed16, .int32, .integer(bitWidth: 16, isSigned: true)),
      (.signed32, .int32, .integer(bitWidth: 32, isSigned: true)),
      (.signed64, .int64, .integer(bitWidth: 64, isSigned: true)),
      (.interval, .fixedLengthByteArray, .interval),
    ]
    for (converted, type, logical) in expected {
      let length = type == .fixedLengthByteArray ? 12 : nil
      #expect(try Self.column(type, converted, length: length).logicalType == logical)
    }
  }

  @Test func decimalsOnFourCarriers() throws {
    let carriers: [(PhysicalType, Int?, Int)] = [
      (.int32, nil, 9), (.int64, nil, 18), (.byteArray, nil, 60), (.fixedLengthByteArray, 16, 38),
    ]
    for (type, length, precision) in carriers {
      let expected = LogicalType.decimal(precision: precision, scale: 2)
      #expect(
        try Self.column(type, .decimal, length: length, precision: precision, scale: 2).logicalType
          == expected)
      let logical = try Self.column(type, length: length) {
        $0.beginStruct(5)
        $0.int32(1, 2)
        $0.int32(2, Int32(precision))
        $0.end()
      }
      #expect(logical.logicalType == expected)
    }
  }

  @Test func typesOfLaterFormatsLeaveThePhysicalType() throws {
    for member: Int16 in [9, 16, 17, 18, 19, 900] {
      let column = try Self.column(.byteArray) {
        $0.beginStruct(member)
        $0.string(1, "EPSG:4326")
        $0.end()
      }
      #expect(column.logicalType == nil && column.physicalType == .byteArray)
    }
    // The older annotation is still understood.
    let text = try Self.column(.byteArray, .utf8) { $0.emptyStruct(99) }
    #expect(text.logicalType == .string)
    // A unit of time that does not exist yet.
    let time = try Self.column(.int64) {
      $0.beginStruct(8)
      $0.bool(1, true)
      $0.beginStruct(2)
      $0.emptyStruct(4)
      $0.end()
      $0.end()
    }
    #expect(time.logicalType == nil)
  }

  @Test func meaningsThatTheirTypeCannotHaveAreErrors() {
    let cases: [(PhysicalType, ConvertedType, Int?, Int?)] = [
      (.int32, .utf8, nil, nil), (.int64, .date, nil, nil), (.int32, .unsigned64, nil, nil),
      (.double, .decimal, 5, 2), (.int32, .decimal, 10, 2), (.int32, .decimal, 5, 6),
      (.int32, .decimal, 5, -1), (.int32, .decimal, nil, nil),
      (.int32, .timestampMicroseconds, nil, nil),
    ]
    for (type, converted, precision, scale) in cases {
      let error = #expect(throws: ParquetError.self) {
        try Self.column(type, converted, precision: precision, scale: scale)
      }
      #expect(error?.kind == .malformed && error?.column == "a")
    }
  }

  @Test func julianDaysOfINT96() throws {
    let instants: [(Int64, Int32, Int64?)] = [
      (0, 2_440_588, 0), (1, 2_440_589, 86_400_000_000_001), (5, 2_440_587, -86_399_999_999_995),
      (0, .max, nil), (0, .min, nil), (.max, 2_440_588, .max), (.max, 2_440_589, nil),
    ]
    let body = instants.flatMap { nanoseconds, day, _ in
      withUnsafeBytes(of: nanoseconds) { Array($0) } + withUnsafeBytes(of: day) { Array($0) }
    }
    let file = HandmadeFile(
      schema: [.leaf("a", .required, .int96)], rowCount: instants.count,
      columns: [
        HandmadeFile.Column(
          path: ["a"], type: .int96,
          pages: [HandmadeFile.Page(valueCount: instants.count, body: body)])
      ])
    guard case .int96(let values) = try file.reader().readColumn(0, rowGroup: 0).values else {
      Issue.record("no INT96")
      return
    }
    #expect(values.map(\.nanosecondsOfDay) == instants.map(\.0))
    #expect(values.map(\.julianDay) == instants.map(\.1))
    #expect(values.map(\.nanosecondsSince1970) == instants.map(\.2))
  }

  /// A `Date` holds every INT96; a number the ones it can, and says of which row it cannot.
  @Test func datesOfINT96() throws {
    struct Dated: Decodable { var a: Date }
    struct Numbered: Decodable { var a: Int64 }
    struct Wide: Decodable { var a: Int128 }
    let instants: [(Int64, Int32, Double)] = [
      (45_296_123_456_000, 2_460_311, 1_704_112_496.123456), (-1, 2_440_588, -1e-9),
      (10_800_000_000_000, 5_373_484, 253_402_225_200), (0, .max, 185_331_720_297_600),
      (0, .min, -185_753_453_990_400),
    ]
    let body = instants.flatMap { nanoseconds, day, _ in
      withUnsafeBytes(of: nanoseconds) { Array($0) } + withUnsafeBytes(of: day) { Array($0) }
    }
    let reader = try HandmadeFile(
      schema: [.leaf("a", .required, .int96)], rowCount: instants.count,
      columns: [
        HandmadeFile.Column(
          path: ["a"], type: .int96,
          pages: [HandmadeFile.Page(valueCount: instants.count, body: body)])
      ]
    ).reader()
    let dates = try reader.rows(as: Dated.self).all().map(\.a)
    for (date, instant) in zip(dates, instants) {
      #expect(abs(date.timeIntervalSince1970 - instant.2) < 1e-6, "\(instant)")
    }
    #expect(dates.count == instants.count)
    #expect(
      try reader.rows(as: Wide.self).all().map(\.a).prefix(2) == [1_704_112_496_123_456_000, -1])
    var numbers = reader.rows(as: Numbered.self).makeIterator()
    #expect(try numbers.nextRow()?.a == 1_704_112_496_123_456_000)
    #expect(try numbers.nextRow()?.a == -1)
    let error = #expect(throws: ParquetError.self) { try numbers.nextRow() }
    #expect(error?.kind == .rowMismatch && error?.row == 2 && error?.column == "a")
    #expect(error?.found == "253402225200000000000")
    // Rows that are not chosen need not fit.
    let tested = Parquet.column("a")
    let chosen = try reader.rows(
      as: Numbered.self,
      where: tested < .timestamp(milliseconds: 1_800_000_000_000)
        && tested > .timestamp(milliseconds: -1000))
    #expect(try chosen.all().count == 2)
  }

  @Test func aSumOfRowsThatIsLeftOutIsFound() throws {
    let page = HandmadeFile.Page(valueCount: 3, body: HandmadeFile.plain([1, 2, 3]))
    var file = HandmadeFile(
      schema: [.leaf("a", .required)], rowCount: 3, statedRowCount: 0,
      columns: [HandmadeFile.Column(path: ["a"], pages: [page])])
    #expect(try file.reader().metadata.rowCount == 3)
    file.statedRowCount = 2
    #expect(throws: ParquetError.self) { try file.reader() }
  }

  /// BYTE_STREAM_SPLIT has the size of PLAIN, so that nothing else would tell a damaged header.
  @Test func splitBytesAreReadOnlyWhereTheChunkStatesThem() throws {
    let page = HandmadeFile.Page(
      valueCount: 2, encoding: .byteStreamSplit, body: [1, 2, 0, 0, 0, 0, 0, 1])
    var column = HandmadeFile.Column(path: ["a"], encodings: [.byteStreamSplit], pages: [page])
    func values() throws -> String? {
      let file = HandmadeFile(schema: [.leaf("a", .required)], rowCount: 2, columns: [column])
      return ReadColumns(try file.reader()).lines["a"]
    }
    #expect(try values() == "1\n16777218\n")
    column.encodings = [.plain]
    #expect(try values() == nil)
    column.encodings = []
    #expect(try values() == "1\n16777218\n")
    column.encodings = [.byteStreamSplit]
    column.pages[0].encoding = .plain
    #expect(try values() == nil)
  }
}
