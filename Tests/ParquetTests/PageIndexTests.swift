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
    let scratch = DecoderScratch()
    for (nulls, distinct) in [
      (NullPattern.required, nil), (.runs, 9), (.rare, nil), (.all, 3), (.alternating, 200),
    ] {
      let columns = TestType.all.map {
        TestColumn($0, rows: 700, nulls: nulls, distinct: distinct)
      }
      let bytes = try write(
        columns, options: WriterOptions(encodingPolicy: policy, pageByteLimit: 150))
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
            scratch: scratch)
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
          if kind.hasNaN {
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
    #expect(pages > 1000)
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
          PageIndex.Page(
            rows: row..<row + 1, offset: 4, byteCount: 1, statistics: statistics,
            isEmpty: value == nil))
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

  /// What a chunk's pages say together is what its values say, looked through without pages.
  @Test(arguments: [NullPattern.required, .runs, .all])
  func chunksHaveTheBoundsOfTheirPages(nulls: NullPattern) throws {
    for distinct in [nil, 5] {
      let columns = TestType.all.map {
        TestColumn($0, rows: 700, nulls: nulls, distinct: distinct)
      }
      func chunks(_ pageIndex: Bool) throws -> [ColumnChunkMetadata] {
        try Self.reader(
          write(columns, options: WriterOptions(pageByteLimit: 150, pageIndex: pageIndex))
        ).metadata.rowGroups[0].columns
      }
      for (paged, whole) in zip(try chunks(true), try chunks(false)) {
        #expect(paged.statistics == whole.statistics, "\(paged.path)")
        #expect(distinct != nil || nulls == .all || paged.hasPageIndex, "\(paged.path)")
      }
    }
    for numbers: [Double] in [
      [.nan, 0, -0.0, 5], [-0.0, .nan], [0, 1], [.nan], [.infinity, .nan], [-.infinity, -1],
    ] {
      let vector = ColumnVector(values: .double((0..<400).map { numbers[$0 % numbers.count] }))
      func statistics(_ pageIndex: Bool) throws -> ColumnStatistics? {
        var writer = try FileWriter(
          output: MemoryOutput(),
          schema: FileSchema(columns: [ColumnDescriptor(name: "n", physicalType: .double)]),
          options: WriterOptions(
            columnEncodings: ["n": .plain], pageByteLimit: 100, pageIndex: pageIndex))
        try writer.writeRowGroup([vector])
        _ = try writer.finish()
        return try Self.reader(writer.output.bytes).metadata.rowGroups[0].columns[0].statistics
      }
      #expect(try statistics(true) == statistics(false), "\(numbers)")
    }
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
    #expect(try reader.plan().byteCount > 1_200_000)
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

  /// A parser of its own, in Python, finds in our indexes what pyarrow finds in the pages.
  @Test func peersFindTheIndexTrue() async throws {
    let folder = try TemporaryFolder()
    var files: [String] = []
    for (nulls, distinct, policy) in [
      (NullPattern.required, nil, EncodingPolicy.fast), (.runs, 9, .fast), (.rare, nil, .smallest),
      (.all, 3, .fast), (.alternating, 200, .smallest),
    ] {
      let columns = TestType.all.map { TestColumn($0, rows: 700, nulls: nulls, distinct: distinct) }
      let name = "\(nulls)-\(policy).parquet"
      try Data(
        write(columns, options: WriterOptions(encodingPolicy: policy, pageByteLimit: 100))
      ).write(to: folder.url.appending(path: name))
      files.append(name)
    }
    try JSONEncoder().encode(files).write(to: folder.url.appending(path: "files.json"))
    let problems = try await PythonPeers.run(
      "check", in: folder.url, script: "parquet_page_index.py")
    #expect(problems.isEmpty, "\(problems.prefix(20).joined(separator: "\n"))")
  }

  // MARK: Damage

  /// A damaged index is an error that names its place, or does no harm; without it the rows are read. Only
  /// bounds that could be true are believed: rows that they rule out are not found.
  @Test func damagedIndexesAreErrors() throws {
    let column = TestColumn(
      TestType.all[1], rows: 300, nulls: .rare, distinct: nil, name: "n")
    let bytes = try write([column], options: WriterOptions(pageByteLimit: 200))
    let reader = try Self.reader(bytes)
    let chunk = reader.metadata.rowGroups[0].columns[0]
    let offsets = try #require(chunk.offsetIndex)
    let bounds = try #require(chunk.columnIndex)
    let texts = column.texts.compactMap(\.self).filter { $0.first != "-" && $0 != "0" }
    #expect(texts.count > 50)
    var errors = 0
    var losses = 0
    for part in [offsets, bounds] {
      for position in Int(part.offset)..<Int(part.offset) + part.byteCount {
        for mask: UInt8 in [0x01, 0x08, 0x80, 0xFF] {
          var damaged = bytes
          damaged[position] ^= mask
          let reader = try Self.reader(damaged)
          do throws(ParquetError) {
            var batches = try reader.rows(where: Parquet.column("n") > 0)
            var found: [String?] = []
            while let batch = try batches.next() { found += batch.columns[0].texts(column.type) }
            if found == texts { continue }
            let isPart = found.isSubsequence(of: texts)
            #expect(part == bounds && isPart, "byte \(position) changed by \(mask)")
            losses += 1
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
    #expect(losses > 0, "docs say that there are")
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

  /// Any changed byte of a file, what lets rows be skipped included, gives rows of the file or an error.
  /// In a page it gives all chosen rows or an error; in an index or filter perhaps not all of them.
  @Test func noChangedByteIsACrash() throws {
    let types = TestType.all.filter { ["int32", "string", "double"].contains($0.name) }
    let columns = types.map { TestColumn($0, rows: 40, nulls: .rare, distinct: nil) }
    let bytes = try write(
      columns,
      options: WriterOptions(pageByteLimit: 90, bloomFilters: ["int32": 0.1, "string": 0.1]))
    let predicate =
      Parquet.column("int32") == 7 || Parquet.column("string") >= "value 3"
      || Parquet.column("double") < 2
    let scratch = DecoderScratch()
    func rows(_ bytes: [UInt8], _ predicate: RowPredicate?) throws -> [String?] {
      var rows: [String?] = []
      var batches = try Self.reader(bytes).rows(where: predicate, scratch: scratch)
      while let batch = try batches.next() {
        let texts = zip(batch.columns, types).map { $0.texts($1) }
        #expect(texts.allSatisfy { $0.count == batch.rowCount })
        rows += (0..<batch.rowCount).map { row in
          texts.map { $0[row] ?? "null" }.joined(separator: "|")
        }
      }
      return rows
    }
    let all = try rows(bytes, nil)
    let chosen = try rows(bytes, predicate)
    #expect(all.count == 40 && !chosen.isEmpty && chosen.count < 40 && Set(all).count == 40)
    let footer = try FileReader.footerRange(
      of: .memory(ByteStorage(copying: bytes)), limits: ReaderLimits())
    let chunks = try Self.reader(bytes).metadata.rowGroups.flatMap(\.columns)
    let pagesEnd = chunks.map { Int($0.startOffset + $0.compressedByteCount) }.max() ?? 0
    var failures = 0
    for position in bytes.indices {
      for mask: UInt8 in [0x01, 0x80] {
        var damaged = bytes
        damaged[position] ^= mask
        do {
          let found = try rows(damaged, predicate)
          let place = "byte \(position) changed by \(mask)"
          if position < pagesEnd {
            #expect(found == chosen, "\(place)")
          } else if position < footer.lowerBound {
            #expect(found.isSubsequence(of: chosen), "\(place)")
          } else {
            // Bounds and types are in the footer: others choose other rows.
            #expect(found.isSubsequence(of: all), "\(place)")
          }
        } catch {
          #expect(error is ParquetError)
          failures += 1
        }
      }
    }
    #expect(failures > bytes.count / 2)
  }

  /// In files of many writers, of old ones too, statistics, indexes and filters spare no row that a test
  /// of every row chooses.
  @Test(.enabled(if: ParquetTestingFiles.folder != nil, "no parquet-testing folder"))
  func nothingIsSparedThatIsChosen() throws {
    let folder = try #require(ParquetTestingFiles.folder).appending(path: "data")
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    var spared = 0
    var tested = 0
    for name in names.sorted() where name.hasSuffix(".parquet") {
      guard let reader = try? FileReader(path: folder.appending(path: name).path),
        reader.metadata.rowCount < 2500
      else { continue }
      for (position, descriptor) in reader.metadata.schema.columns.enumerated() {
        let groups = reader.metadata.rowGroups.indices
        // Columns that cannot be read, or have lists, are another test's.
        guard descriptor.list == nil,
          let vectors = try? groups.map({ try reader.readColumn(position, rowGroup: $0) })
        else { continue }
        let type = ReaderInteroperabilityTests.type(of: descriptor)
        for vector in vectors where vector.values.count > 0 {
          for place in Set([0, vector.values.count - 1]) {
            let value = Self.literal(descriptor, vector.values.taking([UInt32(place)]))
            guard let value else { continue }
            let tests = [
              column(descriptor.name) == value, column(descriptor.name) != value,
              column(descriptor.name) < value, !(column(descriptor.name) < value),
              column(descriptor.name) > value, column(descriptor.name).isIn([value]),
              column(descriptor.name).isNull || column(descriptor.name) == value,
            ]
            for predicate in tests {
              let bound = try BoundPredicate(predicate, to: reader.metadata.schema)
              var expected: [[String?]] = []
              for vector in vectors {
                let rows = bound.truths([position: vector]).matches
                if !rows.isEmpty { expected.append(vector.taking(rows).texts(type)) }
              }
              var found: [[String?]] = []
              var batches = try reader.rows(where: predicate, columns: [descriptor.name])
              while let batch = try batches.next() { found.append(batch.columns[0].texts(type)) }
              #expect(found == expected, "\(name) \(predicate)")
              tested += 1
              let plan = try reader.plan(where: predicate)
              if plan.candidateRowCount < Int(reader.metadata.rowCount) { spared += 1 }
            }
          }
        }
      }
    }
    #expect(tested > 1000 && spared > 100, "\(tested) predicates, of which \(spared) spared rows")
  }

  /// The one value of `values`, to compare a column with.
  private static func literal(
    _ descriptor: ColumnDescriptor, _ values: PhysicalValues
  ) -> PredicateValue? {
    let integer: Int64
    switch values {
    case .boolean(let values): return values[0].predicateValue
    case .int32(let values):
      integer =
        StoredKind(descriptor) == .int32(isSigned: true)
        ? Int64(values[0]) : Int64(UInt32(bitPattern: values[0]))
    case .int64(let values):
      if StoredKind(descriptor) == .int64(isSigned: false) {
        return UInt64(bitPattern: values[0]).predicateValue
      }
      integer = values[0]
    case .int96(let values):
      return values[0].nanosecondsSince1970.map { .timestamp(nanoseconds: $0) }
    case .float(let values): return values[0].predicateValue
    case .double(let values): return values[0].predicateValue
    case .byteArray(let strings), .fixedLengthByteArray(let strings):
      return strings.withBytes(at: 0) { bytes in
        switch StoredKind(descriptor) {
        case .bytes: return Array(bytes).predicateValue
        case .float16:
          return StoredKind.double(float16: bytes.loadUnaligned(as: UInt16.self)).predicateValue
        case .bigEndian:
          guard case .decimal(_, let scale) = descriptor.logicalType else { return nil }
          return .decimal(unscaled: StoredKind.integer(bigEndian: bytes), scale: scale)
        default: return nil
        }
      }
    }
    switch descriptor.logicalType {
    case .date: return .date(daysSince1970: Int(integer))
    case .time(.milliseconds, _): return .time(milliseconds: integer)
    case .time(.microseconds, _): return .time(microseconds: integer)
    case .time(.nanoseconds, _): return .time(nanoseconds: integer)
    case .timestamp(.milliseconds, _): return .timestamp(milliseconds: integer)
    case .timestamp(.microseconds, _): return .timestamp(microseconds: integer)
    case .timestamp(.nanoseconds, _): return .timestamp(nanoseconds: integer)
    case .decimal(_, let scale): return .decimal(unscaled: Int128(integer), scale: scale)
    default: return integer.predicateValue
    }
  }
}

extension [String?] {
  /// Whether `whole` has all of these, in this order.
  fileprivate func isSubsequence(of whole: [String?]) -> Bool {
    var rest = whole[...]
    return allSatisfy { element in
      guard let place = rest.firstIndex(of: element) else { return false }
      rest = rest[(place + 1)...]
      return true
    }
  }
}
