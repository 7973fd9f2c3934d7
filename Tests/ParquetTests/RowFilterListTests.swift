import Testing

@testable import Parquet

/// Columns of lists among chosen rows.
@Suite struct RowFilterListTests {
  private static let rows = 900

  /// What row `row` has: no list, an empty one, or some elements, a few of them null.
  private static func list(_ row: Int) -> [String?]? {
    if row % 11 == 3 { return nil }
    return (0..<row % 5).map { ($0 + row) % 7 == 2 ? nil : "tag \(row)-\($0)" }
  }

  private static func file(_ dataPages: DataPageVersion, isDictionary: Bool) throws -> FileReader {
    let lists = (0..<rows).map(list)
    let elements = lists.flatMap { $0 ?? [] }
    var offsets: [UInt32] = [0]
    for list in lists { offsets.append(offsets[offsets.count - 1] + UInt32(list?.count ?? 0)) }
    var next: UInt32 = 0
    let indices = elements.map { element -> UInt32 in
      guard element != nil else { return ColumnVector.null }
      defer { next += 1 }
      return next
    }
    let tags = ColumnVector(
      values: .byteArray(ByteStrings(elements.compactMap(\.self))), indices: indices,
      lists: ListRows(offsets: offsets, isNull: lists.map { $0 == nil }))
    let schema = FileSchema(columns: [
      ColumnDescriptor(name: "id", physicalType: .int64, isOptional: false),
      ColumnDescriptor(
        name: "tags", physicalType: .byteArray, logicalType: .string, list: ListShape()),
    ])
    var writer = try FileWriter(
      output: MemoryOutput(), schema: schema,
      options: WriterOptions(
        columnEncodings: ["tags": isDictionary ? .rleDictionary : .plain], dataPages: dataPages,
        pageByteLimit: 200, bloomFilters: ["tags": 0.01]))
    try writer.writeRowGroup([
      ColumnVector(values: .int64((0..<rows).map { Int64($0) })), tags,
    ])
    _ = try writer.finish()
    return try FileReader(bytes: ByteStorage(copying: writer.output.bytes))
  }

  private static func lists(_ vector: ColumnVector) throws -> [[String?]?] {
    guard case .byteArray(let strings) = vector.values, let lists = vector.lists else {
      throw CancellationError()
    }
    return (0..<lists.rowCount).map { row in
      if lists.isNull?[row] == true { return nil }
      return (lists.offsets[row]..<lists.offsets[row + 1]).map { element in
        let index = vector.indices?[Int(element)] ?? element
        return index == ColumnVector.null ? nil : strings[Int(index)]
      }
    }
  }

  @Test(arguments: [DataPageVersion.v1, .v2], [true, false])
  func listsOfChosenRows(dataPages: DataPageVersion, isDictionary: Bool) throws {
    let reader = try Self.file(dataPages, isDictionary: isDictionary)
    let index = try #require(try reader.pageIndex(column: 1, rowGroup: 0))
    #expect(index.pages.count > 3)
    let whole = try reader.plan().byteCount
    let predicates: [(RowPredicate, (Int) -> Bool)] = [
      (column("id") >= 400 && column("id") < 420, { (400..<420).contains($0) }),
      (column("id").isIn([0, 3, 450, 899]), { [0, 3, 450, 899].contains($0) }),
      (column("tags").isNull, { Self.list($0) == nil }),
      (!column("tags").isNull && column("id") > 880, { Self.list($0) != nil && $0 > 880 }),
    ]
    for (predicate, isChosen) in predicates {
      var batches = try reader.rows(where: predicate, columns: ["tags", "id"])
      let batch = try #require(try batches.next())
      let expected = (0..<Self.rows).filter(isChosen)
      #expect(try Self.lists(batch.columns[0]) == expected.map(Self.list), "\(predicate)")
      guard case .int64(let ids) = batch.columns[1].values else { throw CancellationError() }
      #expect(ids == expected.map { Int64($0) })
      #expect(try batches.next() == nil)
    }
    // A dictionary is read as a whole.
    #expect(
      try reader.plan(where: predicates[0].0).byteCount < (isDictionary ? whole : whole / 3))
    #expect(throws: ParquetError.self) { try reader.rows(where: column("tags") == "tag 1-0") }
    // The filter has the elements.
    let filter = try #require(try reader.bloomFilter(column: 1, rowGroup: 0))
    #expect(filter.mayContain(Array("tag 4-0".utf8)))
    #expect(!filter.mayContain(Array("tag of nobody".utf8)))
  }
}
