import Foundation
import Testing

@testable import Parquet

@Suite struct PageIndexTests {
  private static func reader(_ bytes: [UInt8]) throws -> FileReader {
    try FileReader(bytes: ByteStorage(copying: bytes))
  }

  /// What the index says of each page is what the page has: its place, its rows, and bounds of values
  /// that were looked through one by one.
  @Test(arguments: [EncodingPolicy.fast, .smallest])
  func whatTheIndexSaysIsTrue(policy: EncodingPolicy) throws {
    var pages = 0
    for (nulls, distinct) in [
      (NullPattern.required, nil), (.runs, 9), (.rare, nil), (.all, 3), (.alternating, 200),
    ] {
      let columns = TestType.all.map {
        TestColumn($0, rows: 700, nulls: nulls, distinct: distinct)
      }
      let bytes = try write(
        columns, options: WriterOptions(encodingPolicy: policy, pageByteLimit: 64))
      let reader = try Self.reader(bytes)
      for (position, column) in columns.enumerated() {
        let index = try #require(try reader.pageIndex(column: position, rowGroup: 0))
        #expect(index.pages.first?.rows.lowerBound == 0 && index.pages.last?.rows.upperBound == 700)
        let kind = try #require(StoredKind(column.descriptor))
        let texts = column.texts
        for page in index.pages {
          pages += 1
          var part = ColumnPart(
            of: reader.metadata.rowGroups[0].columns[position], index,
            wanted: RowRanges(page.rows), rowCount: 700)
          if index.pages.count == 1 { part.pages = [0] }
          let vector = try reader.read(
            part, column: position, rowGroup: 0, index, verifyChecksums: true,
            scratch: DecoderScratch())
          #expect(vector.texts(column.type) == Array(texts[page.rows]), "\(column.type.name)")
          guard let statistics = page.statistics else { continue }
          #expect(statistics.nullCount == Int64(texts[page.rows].count { $0 == nil }))
          guard let low = statistics.minValue, let high = statistics.maxValue else { continue }
          let least = try #require(kind.value(low))
          let most = try #require(kind.value(high))
          let taken = vector.indices.map { indices in
            indices.filter { $0 != ColumnVector.null }
          }
          let values = taken.map { vector.values.taking($0) } ?? vector.values
          let stored = Self.plainValues(values).compactMap { kind.value($0) }
          #expect(stored.count == page.rows.count - Int(statistics.nullCount ?? 0))
          for value in stored where !value.isNaN {
            #expect(!(value < least) && !(most < value), "\(column.type.name)")
          }
          if kind == .double || kind == .float {
            #expect(statistics.nanCount == Int64(stored.count { $0.isNaN }))
          }
        }
        // Types in order have bounds, unless a page has only NaN or nothing can be above a value.
        if !["nan", "float", "bytes"].contains(column.type.name),
          SortOrder(column.descriptor.physicalType, column.descriptor.logicalType) != .undefined
        {
          #expect(index.pages[0].statistics != nil, "\(column.type.name)")
        }
      }
    }
    #expect(pages > 2000)
  }

  private static func plainValues(_ values: PhysicalValues) -> [[UInt8]] {
    ColumnValues.with(values) { values in
      (0..<values.count).map { position in
        values.slices == nil
          ? Array(
            UnsafeRawBufferPointer(
              start: values.part(position..<position + 1).base,
              count: [.boolean: 1, .int32: 4, .float: 4][values.physicalType] ?? 8))
          : Array(values.bytes(at: position))
      }
    }
  }

  /// Files whose columns have one page each carry no index, nor do those that are not to have one.
  @Test func singlePagesNeedNoIndex() throws {
    let types = TestType.all.filter { ["int64", "string"].contains($0.name) }
    let columns = types.map { TestColumn($0, rows: 300, nulls: .rare, distinct: nil) }
    let plain = try write(columns)
    let without = try write(columns, options: WriterOptions(pageIndex: false))
    #expect(plain == without)
    #expect(try Self.reader(plain).pageIndex(column: 0, rowGroup: 0) == nil)
    let small = try write(
      columns, options: WriterOptions(pageByteLimit: 100, pageIndex: false))
    #expect(try Self.reader(small).pageIndex(column: 0, rowGroup: 0) == nil)
    // One column of several pages is enough: readers want an index of all columns or none.
    let mixed = try write(columns, options: WriterOptions(pageByteLimit: 2600))
    let counts = try (0..<2).map {
      try #require(try Self.reader(mixed).pageIndex(column: $0, rowGroup: 0)).pages.count
    }
    #expect(counts[0] == 1 && counts[1] > 1)
  }

  @Test func sortedPagesAreSaidToBeSorted() throws {
    func order(_ values: [Int64?]) throws -> UInt8? {
      let column = ColumnDescriptor(name: "a", physicalType: .int64)
      var index = PageIndex(pages: [])
      for (row, value) in values.enumerated() {
        var statistics = ColumnStatistics()
        statistics.nullCount = value == nil ? 1 : 0
        statistics.minValue = value.map { withUnsafeBytes(of: $0) { Array($0) } }
        statistics.maxValue = statistics.minValue
        index.pages.append(
          PageIndex.Page(rows: row..<row + 1, offset: 4, byteCount: 1, statistics: statistics))
      }
      var writer = PageIndexWriter()
      guard writer.writeBounds(of: index, column: column) else { return nil }
      // Field 4, an int32, follows the lists of bounds.
      return Array(writer.bytes).withUnsafeBytes { bytes in
        var reader = ThriftCompactReader(bytes, fileOffset: 0)
        var last: Int16 = 0
        try? reader.beginStruct()
        while let field = try? reader.field(after: &last) {
          if field.id == 4 { return (try? reader.int32()).map { UInt8($0) } }
          try? reader.skip(field.type)
        }
        return nil
      }
    }
    #expect(try order([1, 2, nil, 2, 9]) == 1)
    #expect(try order([9, nil, 2, 1]) == 2)
    #expect(try order([1, 3, 2]) == 0)
    #expect(try order([nil, nil]) == 1)
  }

  /// On sorted data little is read: of a column of 200 pages those around the value.
  @Test func sortedDataIsSkipped() throws {
    let count = 20_000
    let schema = FileSchema(columns: [
      ColumnDescriptor(name: "id", physicalType: .int64, isOptional: false), .string("name"),
    ])
    var writer = try FileWriter(
      output: MemoryOutput(), schema: schema,
      options: WriterOptions(codec: .uncompressed, pageByteLimit: 1000))
    for group in 0..<4 {
      let ids = (0..<count).map { Int64(group * count + $0) }
      try writer.writeRowGroup([
        ColumnVector(values: .int64(ids)),
        ColumnVector(values: .byteArray(ByteStrings(ids.map { "name of \($0)" }))),
      ])
    }
    _ = try writer.finish()
    let reader = try Self.reader(writer.output.bytes)
    let predicate = column("id") >= 30_000 && column("id") < 30_010
    let plan = try reader.plan(where: predicate)
    #expect(plan.rowGroups.map(\.index) == [1])
    #expect(plan.candidateRowCount <= 250)
    #expect(plan.byteCount < 12_000)
    #expect(try reader.plan().byteCount > 1_500_000)
    var batches = try reader.rows(where: predicate, columns: ["name"])
    let batch = try #require(try batches.next())
    guard case .byteArray(let names) = batch.columns[0].values else { throw CancellationError() }
    #expect((0..<names.count).map { names[$0] } == (30_000..<30_010).map { "name of \($0)" })
    #expect(try batches.next() == nil)
    // Without the index the row group is read.
    let options = RowReadOptions(usesPageIndex: false)
    #expect(try reader.plan(where: predicate, options: options).byteCount > 300_000)
    // Everything in a row group matches: nothing is tested, nothing but the wanted column is read.
    let all = try reader.plan(where: column("id") >= 60_000, columns: ["name"])
    #expect(all.rowGroups.map(\.match) == [.all])
    #expect(all.byteCount < plan.byteCount + 400_000)
    // Row groups and columns can be chosen by themselves.
    var last = try reader.rows(columns: [], rowGroups: [3, 0])
    #expect(try last.next()?.rowGroup == 3)
    #expect(try last.next()?.rowCount == count)
    #expect(try last.next() == nil)
    #expect(throws: ParquetError.self) { try reader.rows(rowGroups: [4]) }
    #expect(throws: ParquetError.self) { try reader.rows(columns: ["nothing"]) }
  }

  /// A bloom filter spares the row group of a value that is within its bounds but not there.
  @Test func bloomFiltersSpareRowGroups() throws {
    let schema = FileSchema(columns: [
      ColumnDescriptor(name: "id", physicalType: .int64),
      ColumnDescriptor(name: "x", physicalType: .double),
    ])
    var writer = try FileWriter(
      output: MemoryOutput(), schema: schema,
      options: WriterOptions(bloomFilters: ["id": 1e-6, "x": 1e-6]))
    for group in 0..<3 {
      let ids = (0..<1000).map { Int64($0 * 3 + group) }
      try writer.writeRowGroup([
        ColumnVector(values: .int64(ids)),
        ColumnVector(values: .double(ids.map { group == 1 ? -0.0 : Double($0) - 1.5 })),
      ])
    }
    _ = try writer.finish()
    let reader = try Self.reader(writer.output.bytes)
    func groups(_ predicate: RowPredicate, _ uses: Bool = true) throws -> [Int] {
      try reader.plan(where: predicate, options: RowReadOptions(usesBloomFilters: uses))
        .rowGroups.map(\.index)
    }
    #expect(try groups(column("id") == 301) == [1])
    #expect(try groups(column("id").isIn([300, 302])) == [0, 2])
    #expect(try groups(column("id") == 301, false) == [0, 1, 2])
    #expect(try groups(column("id") == 301 || column("id") < 1) == [0, 1])
    #expect(try groups(!(column("id") == 301)) == [0, 1, 2])
    #expect(try groups(column("x") == 0.0) == [1])
    #expect(try groups(column("x") == 0.0 && column("id") > 5) == [1])
  }

  // MARK: Damage

  /// A damaged index is an error that names its place, or does no harm; without it the rows are read.
  @Test func damagedIndexesAreErrors() throws {
    let column = TestColumn(
      TestType.all[1], rows: 300, nulls: .rare, distinct: nil, name: "n")
    let bytes = try write([column], options: WriterOptions(pageByteLimit: 200))
    let reader = try Self.reader(bytes)
    let chunk = reader.metadata.rowGroups[0].columns[0]
    let offsets = try #require(chunk.offsetIndex)
    let bounds = try #require(chunk.columnIndex)
    var errors = 0
    for part in [offsets, bounds] {
      for position in Int(part.offset)..<Int(part.offset) + part.byteCount {
        for mask: UInt8 in [0x01, 0x08, 0x80, 0xFF] {
          var damaged = bytes
          damaged[position] ^= mask
          let reader = try Self.reader(damaged)
          do throws(ParquetError) {
            var batches = try reader.rows(where: Parquet.column("n") > 0)
            while try batches.next() != nil {}
          } catch {
            #expect(error.kind == .malformed && error.column == "n" && error.offset != nil)
            errors += 1
          }
          var batches = try reader.rows(
            where: Parquet.column("n").isNull || !Parquet.column("n").isNull,
            options: RowReadOptions(usesPageIndex: false))
          #expect(try batches.next()?.columns[0].texts(column.type) == column.texts)
        }
      }
    }
    #expect(errors > 100)
  }

  /// Claims of an offset index that would lead reading astray.
  @Test func indexesThatContradictTheFile() throws {
    let column = TestColumn(
      TestType.all[1], rows: 300, nulls: .none, distinct: nil, name: "n")
    let reader = try Self.reader(
      try write([column], options: WriterOptions(codec: .uncompressed, pageByteLimit: 200)))
    let chunk = reader.metadata.rowGroups[0].columns[0]
    let index = try #require(try reader.pageIndex(column: 0, rowGroup: 0))
    func failure(_ change: (inout PageIndex) -> Void) -> ParquetError? {
      var changed = index
      change(&changed)
      var writer = PageIndexWriter()
      writer.writeOffsets(of: changed)
      do throws(ParquetError) {
        let read = try PageIndexReader.read(
          PageIndexReader.Parts(offsets: writer.bytes), of: chunk, rowCount: 300)
        let part = ColumnPart(of: chunk, read, wanted: RowRanges(60..<200), rowCount: 300)
        _ = try reader.read(
          part, column: 0, rowGroup: 0, read, verifyChecksums: false, scratch: DecoderScratch())
        return nil
      } catch {
        return error
      }
    }
    #expect(failure { _ in } == nil)
    #expect(failure { $0.pages[2].offset = 3 }?.kind == .malformed)
    #expect(failure { $0.pages[2].offset = .max }?.kind == .malformed)
    #expect(failure { $0.pages[2].byteCount += 1 }?.kind == .malformed)
    #expect(failure { $0.pages[2].byteCount = .max }?.kind == .malformed)
    #expect(failure { $0.pages[2].offset += 5 }?.kind == .malformed)
    #expect(failure { $0.pages[2].rows = 101..<150 }?.kind == .malformed)
    #expect(failure { $0.pages[2].rows = 301..<302 }?.kind == .malformed)
    #expect(failure { $0.pages.swapAt(1, 2) }?.kind == .malformed)
    #expect(failure { $0.pages = [] }?.kind == .malformed)
    #expect(failure { $0.pages.removeFirst() }?.kind == .malformed)
    #expect(failure { $0.pages.removeLast(4) } != nil)
  }

  /// Page indexes that other writers made, where their files are at hand: what they skip is not missed.
  @Test(.enabled(if: ParquetTestingFiles.folder != nil, "no parquet-testing folder"))
  func indexesOfOthers() throws {
    let folder = try #require(ParquetTestingFiles.folder)
    var skipped = 0
    for name in [
      "alltypes_tiny_pages", "alltypes_tiny_pages_plain", "int32_with_null_pages",
      "fixed_length_byte_array", "data_index_bloom_encoding_stats",
    ] {
      let reader = try FileReader(path: folder.appending(path: "data/\(name).parquet").path)
      for (position, column) in reader.metadata.schema.columns.enumerated() {
        guard column.physicalType != .int96,
          let index = try reader.pageIndex(column: position, rowGroup: 0), index.pages.count > 0
        else { continue }
        let vector = try reader.readColumn(position, rowGroup: 0)
        let type = ReaderInteroperabilityTests.type(of: column)
        let texts = vector.texts(type)
        #expect(index.pages.last?.rows.upperBound == texts.count)
        for value in [texts[0], texts[texts.count / 2], texts[texts.count - 1]] {
          guard let predicate = Self.equality(column, value) else { continue }
          let expected = texts.count { $0 == value }
          var batches = try reader.rows(where: predicate, columns: [column.name])
          let found = try batches.next()?.columns[0].texts(type) ?? []
          #expect(found == [String?](repeating: value, count: expected), "\(name) \(column.name)")
          let plan = try reader.plan(where: predicate, columns: [column.name])
          if plan.candidateRowCount < texts.count { skipped += 1 }
        }
      }
    }
    #expect(skipped > 10)
  }

  private static func equality(_ column: ColumnDescriptor, _ value: String?) -> RowPredicate? {
    let tested = Parquet.column(column.name)
    guard let value else { return tested.isNull }
    switch column.physicalType {
    case .int32, .int64:
      if case .timestamp = column.logicalType { return nil }
      return Int64(value).map { tested == $0 }
    case .boolean: return tested == (value == "true")
    case .byteArray, .fixedLengthByteArray:
      let hex = Array(value.utf8)
      return tested
        == stride(from: 0, to: hex.count, by: 2).map {
          UInt8(String(decoding: hex[$0..<$0 + 2], as: UTF8.self), radix: 16) ?? 0
        }
    case .float:
      return UInt32(value, radix: 16).map { tested == Float(bitPattern: $0) }
    case .double: return UInt64(value, radix: 16).map { tested == Double(bitPattern: $0) }
    case .int96: return nil
    }
  }
}
