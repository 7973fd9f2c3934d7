import Foundation
import Testing

@testable import Parquet

/// Small files whose footers and headers claim what would overflow a number or a block of memory, or fill
/// the memory there is. They are kept in `Fixtures/finds`, where the fuzzer begins, too.
enum HostileClaims {
  /// By file name.
  static let all: [(name: String, file: HandmadeFile)] = [
    ("boolean-dictionary-then-plain", booleanDictionaryThenPlain),
    ("bloom-filter-at-int64-min", place { $0.bloomFilter = .init(offset: .min) }),
    ("bloom-filter-of-int32-max", place { $0.bloomFilter = .init(offset: .max, byteCount: .max) }),
    ("offset-index-at-int64-min", place { $0.offsetIndex = .init(offset: .min, byteCount: .max) }),
    ("decimal-of-two-gigabytes", decimalOfTwoGigabytes),
    ("decimal-of-any-scale", decimalOfAnyScale),
    ("rows-beyond-count", rowsBeyondCount),
    ("rows-without-columns", HandmadeFile(schema: [], rowCount: 1 << 40, columns: [])),
    ("decimal-dictionary-then-plain", decimalDictionaryThenPlain),
  ]

  /// A thousand true ones, by a dictionary of one value, and eight thousand of which each seventh is.
  static let booleanDictionaryThenPlain = HandmadeFile(
    schema: [.leaf("a", .required, .boolean)], rowCount: 9000,
    columns: [
      HandmadeFile.Column(
        path: ["a"], type: .boolean, encodings: [.plain, .rleDictionary],
        pages: [
          HandmadeFile.Page(valueCount: 1, body: [1], isDictionary: true),
          HandmadeFile.Page(
            valueCount: 1000, encoding: .rleDictionary, body: [1, 0xD0, 0x0F, 0]),
          HandmadeFile.Page(
            valueCount: 8000,
            body: (0..<1000).map { sevenths(from: $0 * 8) }),
        ])
    ])

  /// Eight booleans in a byte: of each seventh number.
  private static func sevenths(from start: Int) -> UInt8 {
    var byte: UInt8 = 0
    for bit in 0..<8 where (start + bit) % 7 == 0 { byte |= 1 << UInt8(bit) }
    return byte
  }

  static let decimalOfTwoGigabytes: HandmadeFile = {
    var node = HandmadeFile.Node.leaf("a", .optional, .fixedLengthByteArray)
    node.typeLength = Int(Int32.max)
    node.converted = .decimal
    node.precision = 9
    node.scale = 2
    return HandmadeFile(
      schema: [node], rowCount: 1,
      columns: [
        HandmadeFile.Column(
          path: ["a"], type: .fixedLengthByteArray,
          pages: [HandmadeFile.Page(valueCount: 1, body: HandmadeFile.runs([0]))],
          bloomFilter: .init(offset: 4, byteCount: 8))
      ])
  }()

  private static func decimal(_ scale: Int, _ rowCount: Int, _ pages: [HandmadeFile.Page])
    -> HandmadeFile
  {
    var node = HandmadeFile.Node.leaf("a", .required, .byteArray)
    node.converted = .decimal
    node.precision = Int(Int32.max)
    node.scale = scale
    return HandmadeFile(
      schema: [node], rowCount: rowCount,
      columns: [
        HandmadeFile.Column(
          path: ["a"], type: .byteArray, encodings: [.plain, .rleDictionary], pages: pages)
      ])
  }

  static let decimalOfAnyScale = decimal(
    Int(Int32.max), 1, [HandmadeFile.Page(valueCount: 1, body: [1, 0, 0, 0, 5])])

  /// No claim, but what fuzzers should begin with: 2.5, -0.1, 2.5 by a dictionary, then 0.3 four times.
  static let decimalDictionaryThenPlain = decimal(
    1, 7,
    [
      HandmadeFile.Page(
        valueCount: 2, body: [1, 0, 0, 0, 25, 2, 0, 0, 0, 255, 255], isDictionary: true),
      HandmadeFile.Page(valueCount: 3, encoding: .rleDictionary, body: [1, 3, 0b010]),
      HandmadeFile.Page(
        valueCount: 4, body: (0..<4).flatMap { _ in [1, 0, 0, 0, 3] as [UInt8] }),
    ])

  static let rowsBeyondCount = HandmadeFile(
    schema: [.leaf("a", .required)], rowCount: 1 << 40,
    columns: [
      HandmadeFile.Column(
        path: ["a"], pages: [HandmadeFile.Page(valueCount: 1, body: [1, 2, 3, 4])],
        valueCount: 1 << 40)
    ])

  /// A file of one number with something at a place.
  static func place(_ set: (inout HandmadeFile.Column) -> Void) -> HandmadeFile {
    var column = HandmadeFile.Column(
      path: ["a"], pages: [HandmadeFile.Page(valueCount: 1, body: [1, 2, 3, 4])])
    set(&column)
    return HandmadeFile(schema: [.leaf("a", .required)], rowCount: 1, columns: [column])
  }

  /// Leaves in the innermost of as many groups as are accepted, all without names.
  static func nameless(_ leaves: Int) -> HandmadeFile {
    var node = HandmadeFile.Node.group(
      "", .required, Array(repeating: .leaf("", .required), count: leaves))
    for _ in 1..<62 { node = .group("", .required, [node]) }
    return HandmadeFile(schema: [node], rowCount: 0, columns: [])
  }
}

@Suite struct HostileClaimTests {
  private static func failure(_ body: () throws -> Void) -> ParquetError? {
    do {
      try body()
      return nil
    } catch {
      return error as? ParquetError
    }
  }

  // MARK: Dictionaries of booleans

  @Test func booleansOfADictionaryAndOthersAreRead() throws {
    let vector = try HostileClaims.booleanDictionaryThenPlain.reader().readColumn(0, rowGroup: 0)
    guard case .boolean(let values) = vector.values else {
      Issue.record("\(vector.values.physicalType)")
      return
    }
    #expect(vector.indices == nil)
    #expect(values == (0..<9000).map { $0 < 1000 || ($0 - 1000) % 7 == 0 })
  }

  /// A dictionary of booleans has eight values in a byte.
  @Test func booleansOfADictionaryAloneAreRead() throws {
    func file(_ count: Int) -> HandmadeFile {
      HandmadeFile(
        schema: [.leaf("a", .required, .boolean)], rowCount: 11,
        columns: [
          HandmadeFile.Column(
            path: ["a"], type: .boolean, encodings: [.rleDictionary],
            pages: [
              HandmadeFile.Page(valueCount: count, body: [0b10], isDictionary: true),
              HandmadeFile.Page(
                valueCount: 11, encoding: .rleDictionary, body: [1, 8 << 1, 1, 3 << 1, 0]),
            ])
        ])
    }
    let lines = ReadColumns(try file(2).reader()).lines["a"]
    let expected = String(repeating: "true\n", count: 8) + String(repeating: "false\n", count: 3)
    #expect(lines == expected)
    struct Row: Decodable { var a: Bool }
    #expect(
      try file(2).reader().rows(as: Row.self).all().map(\.a) == (0..<11).map { $0 < 8 })
    #expect(ReadColumns(try file(9).reader()).failures["a"]?.kind == .malformed)
  }

  /// Each type from a dictionary, written out because most values are plain.
  @Test func valuesOfADictionaryAreWrittenOut() throws {
    for (type, width) in [
      (PhysicalType.int32, 4), (.int64, 8), (.int96, 12), (.float, 4), (.double, 8),
    ] {
      let value = (1...UInt8(width)).map { $0 }
      let other = (1...UInt8(width)).map { $0 + 100 }
      let plain = (0..<5).flatMap { _ in other }
      let file = HandmadeFile(
        schema: [.leaf("a", .required, type)], rowCount: 8,
        columns: [
          HandmadeFile.Column(
            path: ["a"], type: type, encodings: [.plain, .rleDictionary],
            pages: [
              HandmadeFile.Page(valueCount: 2, body: other + value, isDictionary: true),
              HandmadeFile.Page(valueCount: 3, encoding: .rleDictionary, body: [1, 3 << 1, 1]),
              HandmadeFile.Page(valueCount: 5, body: plain),
            ])
        ])
      let vector = try file.reader().readColumn(0, rowGroup: 0)
      #expect(vector.indices == nil)
      let raw = TestType(
        name: "a", physicalType: type, logicalType: nil, fixedLength: nil, order: "none"
      ) { _ in [] }
      let texts = vector.texts(raw)
      let expected = (0..<8).map { raw.text($0 < 3 ? value : other) }
      #expect(texts == expected)
    }
    let decimals = ReadColumns(try HostileClaims.decimalDictionaryThenPlain.reader()).lines["a"]
    #expect(decimals == "25\n-1\n25\n3\n3\n3\n3\n")
  }

  // MARK: Places

  @Test func placesThatNoFileHas() throws {
    let numbers: [Int64] = [.min, .min + 1, -1, 0, 3, 1 << 40, .max - 1, .max]
    for offset in numbers {
      for count in [nil, Int32.min, -1, 0, 1, .max] {
        let place = HandmadeFile.Place(offset: offset, byteCount: count)
        let filter = try HostileClaims.place { $0.bloomFilter = place }.reader()
        let error = Self.failure { _ = try filter.bloomFilter(column: 0, rowGroup: 0) }
        #expect(error?.kind == .malformed && error?.column == "a", "\(place)")
        #expect(
          Self.failure {
            var rows = try filter.rows(where: column("a") == 5)
            _ = try rows.next()
          }?.kind == .malformed, "\(place)")
        guard let count, count != 0 else { continue }  // none, then
        for reader in [
          try HostileClaims.place { $0.offsetIndex = place }.reader(),
          try HostileClaims.place {
            $0.offsetIndex = .init(offset: 4, byteCount: 4)
            $0.columnIndex = place
          }.reader(),
        ] {
          let error = Self.failure { _ = try reader.pageIndex(column: 0, rowGroup: 0) }
          #expect(error?.kind == .malformed && error?.column == "a", "\(place)")
        }
      }
    }
  }

  // MARK: Memory

  @Test func noFilterIsLookedIntoForDecimalsOfGigabytes() throws {
    let reader = try HostileClaims.decimalOfTwoGigabytes.reader()
    var rows = try reader.rows(where: column("a") == 5 || column("a").isIn([1, 2, 3]))
    #expect(try rows.next() == nil)
  }

  @Test func numbersOfAnyScaleHaveAShortText() throws {
    struct Row: Decodable { var a: Int }
    let reader = try HostileClaims.decimalOfAnyScale.reader()
    let error = Self.failure { _ = try reader.rows(as: Row.self).all() }
    #expect(error?.kind == .rowMismatch && error?.row == 0)
    #expect(error?.found == "5e-2147483647")
    #expect(UnscaledNumber.text(-5, scale: 3) == "-0.005")
    #expect(UnscaledNumber.text(-5, scale: 39) == "-0." + String(repeating: "0", count: 38) + "5")
    #expect(UnscaledNumber.text(-5, scale: 40) == "-5e-40")
    #expect(UnscaledNumber.parse("1e\(Int.min)") == nil)
  }

  @Test func rowsThatNobodyAskedForAreBounded() throws {
    struct Row: Decodable { var absent: Int? }
    for (name, file) in HostileClaims.all where name.hasPrefix("rows") {
      let reader = try file.reader()
      #expect(Self.failure { _ = try reader.rows(as: Row.self).all() }?.kind == .limitExceeded)
      guard !file.schema.isEmpty else { continue }
      let chosen = try reader.rows(as: Row.self, where: !column("a").isNull)
      #expect(Self.failure { _ = try chosen.all() }?.kind == .limitExceeded, "\(name)")
    }
    // The last row that is accepted is read.
    var file = HostileClaims.place { _ in }
    file.rowCount = 3
    file.columns[0].pages = [HandmadeFile.Page(valueCount: 3, body: HandmadeFile.plain([1, 2, 3]))]
    #expect(try file.reader(limits: ReaderLimits(rowCount: 3)).rows(as: Row.self).all().count == 3)
    let reader = try file.reader(limits: ReaderLimits(rowCount: 2))
    #expect(Self.failure { _ = try reader.rows(as: Row.self).all() }?.kind == .limitExceeded)
  }

  @Test func pathsOfManyEmptyNames() throws {
    let error = Self.failure { _ = try HostileClaims.nameless(40_000).reader() }
    #expect(error?.kind == .limitExceeded, "\(String(describing: error))")
    // The same tree with fewer leaves is only no file of that row group.
    #expect(Self.failure { _ = try HostileClaims.nameless(400).reader() }?.kind == .malformed)
  }

  // MARK: Errors

  @Test func errorsOfAColumnChunkNameIt() throws {
    var bytes = HostileClaims.place { _ in }.bytes
    // The codec, field 4 of the column's metadata: the byte before the field of num_values.
    let sought: [UInt8] = [0x15, 0x00, 0x16, 0x02]
    let place = try #require(
      bytes.indices.first { bytes[$0...].starts(with: sought) })
    bytes[place + 1] = 0x20
    let error = Self.failure { _ = try FileReader(bytes: ByteStorage(copying: bytes)) }
    #expect(error?.kind == .malformed && error?.column == "a")
    #expect(error?.expected == "a codec from 0 to 7")
  }
}
